"""Migrations on a large catalog of the first release, killed in the middle and run again.

    python bench/migrations.py [--db sqlite|postgres] [--tracks N] [--kills K] [--json]

Fills a database as the first migrations made it (half of the tracks downloaded), then starts `manage.py migrate` and
kills it with SIGKILL after a random time, K times; where it was quicker than the kill, the old database is put back and
it begins again. At the end: every row is as it was, no reference leads nowhere, the tables are those of a fresh
installation, and the counters are right. On PostgreSQL in databases of its own on the server of TEST_DATABASE_URL.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

PROJECT = Path(__file__).resolve().parents[1]
PER_ALBUM, PER_ARTIST = 12, 120
NOW = "'2026-01-01 00:00:00'"
FIRST = (("catalog", "0001"), ("downloads", "0001"))
SPOTIFY_ID = "substr('0000000000000000000000' || n, length('' || n) + 1, 22)"  # n with zeros before it, 22 characters
STATUS, PATH, NAME, SIZE, FOLDER, DEED = (  # of every second track the first, of the others the second
    f"CASE WHEN n % 2 = 1 THEN {odd} ELSE {even} END"
    for odd, even in (
        ("'missing'", "'downloaded'"),
        ("''", "'/music/Artist/Album/' || n || '.mp3'"),
        ("''", "n || '.mp3'"),
        ("NULL", "4000000 + n"),
        ("NULL", f"(n - 1) / {PER_ALBUM} + 1"),
        ("'fail'", "'finish'"),
    )
)

# Rows of the first release, as one INSERT … SELECT each. `n` counts from 1 to the number that stands before it.
ROWS = (
    ("artists", "catalog_artist (id, name, key)", "n, 'Artist ' || n, 'artist ' || n"),
    (
        "albums",
        "catalog_album (id, title, artist, key, release_date, cover_url, compilation)",
        f"n, 'Album ' || n, 'Artist ' || ((n - 1) * {PER_ALBUM} / {PER_ARTIST} + 1), 'album ' || n, '2011', '', FALSE",
    ),
    ("albums", "catalog_folder (id, path, key, rows)", "n, 'Artist/Album ' || n, 'artist/album ' || n, 6"),
    (
        "tracks",
        "catalog_track (id, title, duration_ms, isrc, identity, spotify_id, added_at, wanted, ignored, status,"
        " local_path, file_name, name_key, size, last_error, error_kind, retry_after, attempts, reserved, progress,"
        " album_id, folder_id)",
        f"n, 'Song ' || n, 180000 + n % 60000, '', 'song ' || n, {SPOTIFY_ID}, {NOW}, n % 10 > 0, FALSE,"
        f" {STATUS}, {PATH}, {NAME}, {NAME}, {SIZE},"
        f" CASE WHEN n % 50 = 1 THEN 'nobody has it' ELSE '' END, CASE WHEN n % 50 = 1 THEN 'no_match' ELSE '' END,"
        f" {NOW}, n % 2, FALSE, 0, (n - 1) / {PER_ALBUM} + 1, {FOLDER}",
    ),
    ("tracks", "catalog_credit (id, position, artist_id, track_id)", f"n, 0, (n - 1) / {PER_ARTIST} + 1, n"),
    ("tracks", "catalog_alias (id, key, track_id)", f"n, 'spotify:' || {SPOTIFY_ID}, n"),
    (
        "collections",
        "catalog_collection (id, kind, key, account, name, owner, enabled, removal, snapshot, closed, problem)",
        "n, 'file', 'library.csv', '', 'Library', '', TRUE, 'keep', '', FALSE, ''",
    ),
    (
        "tracks",
        "catalog_entry (id, position, reason, label, digest, collection_id, track_id)",
        "n, n * 1048576, '', '', n, 1, n",
    ),
    (
        "tracks",
        "catalog_event (id, at, kind, reason, track_id)",
        f"n, {NOW}, {DEED}, '', n",
    ),
)
# What no migration may change: read before and after.
KEPT = (
    "SELECT COUNT(*), SUM(id), SUM(LENGTH(title)), SUM(size), SUM(attempts), SUM(duration_ms) FROM catalog_track",
    "SELECT status, wanted, COUNT(*), SUM(LENGTH(file_name)), SUM(folder_id) FROM catalog_track GROUP BY 1, 2",
    "SELECT COUNT(*), SUM(track_id), SUM(artist_id) FROM catalog_credit",
    "SELECT COUNT(*), SUM(track_id), SUM(LENGTH(key)) FROM catalog_alias",
    "SELECT COUNT(*), SUM(track_id), SUM(position), SUM(digest) FROM catalog_entry",
    "SELECT kind, COUNT(*), SUM(track_id) FROM catalog_event GROUP BY 1",
    "SELECT COUNT(*), SUM(LENGTH(title)) FROM catalog_album",
    "SELECT COUNT(*), SUM(LENGTH(path)) FROM catalog_folder",
)


class Installation:
    """A data folder of its own below ``place``, and the program's commands on it. On SQLite."""

    def __init__(self, place: str) -> None:
        self.database = f"{place}/tonekeep.sqlite3"
        os.makedirs(place, exist_ok=True)
        self.environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DATA_DIR": place, "MIN_FREE_GB": "0"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", *words]
        return subprocess.Popen(
            command, cwd=PROJECT, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def manage(self, *words: str) -> str:
        """A command that must succeed; what it said."""
        said, errors = (process := self.start(*words)).communicate()
        if process.returncode:
            sys.exit(f"manage.py {' '.join(words)} failed: {errors}")
        return said

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database, timeout=60)) as database:
            return database.execute(statement).fetchall()

    def insert(self, statements: list[str]) -> None:
        """Run these, as fast as it goes."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous=OFF")
            for statement in statements:
                database.execute(statement)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def applied(self) -> set[tuple[Any, ...]]:
        return set(self.ask("SELECT app, name FROM django_migrations"))

    def schema(self) -> list[tuple[Any, ...]]:
        """Tables and indexes, without what SQLite names after its own counting."""
        rows = self.ask("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
        return [(kind, name, " ".join(sql.split())) for kind, name, sql in rows]

    def is_damaged(self) -> bool:
        return self.ask("PRAGMA integrity_check") != [("ok",)] or bool(self.ask("PRAGMA foreign_key_check"))

    def become(self, other: Installation) -> None:
        """Put a copy of the other's database in the place of this one's."""
        for side in ("-wal", "-shm"):
            Path(self.database + side).unlink(missing_ok=True)
        shutil.copyfile(other.database, self.database)

    def size(self) -> int:
        """Bytes of the database."""
        return os.path.getsize(self.database)

    def remove(self) -> None:
        """It goes with its folder."""


class OnPostgres(Installation):
    """The same with a database of its own on a PostgreSQL server."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        server = os.environ.get("TEST_DATABASE_URL", "postgres://root@127.0.0.1:5432/test")
        self.server, self.database = server, f"tonekeep_bench_{os.getpid()}_{Path(place).name}"
        self.address = urlsplit(server)._replace(path=f"/{self.database}").geturl()
        self.environment["DATABASE_URL"] = self.address
        self._on_server(f"CREATE DATABASE {self.database}")

    def _on_server(self, *statements: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.address) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]

    def insert(self, statements: list[str]) -> None:
        with psycopg.connect(self.address) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]
                table = statement.split("INSERT INTO ", 1)[1].split(" ", 1)[0]
                connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), MAX(id)) FROM {table}")  # type: ignore[call-overload]

    def schema(self) -> list[tuple[Any, ...]]:
        return [
            *self.ask(
                "SELECT table_name, column_name, data_type, is_nullable, column_default"
                " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
            ),
            *self.ask("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"),
            *self.ask(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE connamespace = 'public'::regnamespace ORDER BY 1"
            ),
        ]

    def is_damaged(self) -> bool:
        """PostgreSQL keeps references by itself; what is left is a constraint or an index that is not valid."""
        return bool(
            self.ask(
                "SELECT conname FROM pg_constraint WHERE NOT convalidated"
                " UNION SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
            )
        )

    def become(self, other: Installation) -> None:
        self.remove()
        self._on_server(f"CREATE DATABASE {self.database} TEMPLATE {other.database}")

    def size(self) -> int:
        return int(self.ask("SELECT pg_database_size(current_database())")[0][0])

    def remove(self) -> None:
        """With whoever is still in it: a killed migrate's statement goes on in the server for a while."""
        self._on_server(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")


KINDS: dict[str, type[Installation]] = {"sqlite": Installation, "postgres": OnPostgres}


def fill(old: Installation, tracks: int) -> None:
    """The database of the first release with its rows."""
    for app, name in FIRST:
        old.manage("migrate", app, name, "--verbosity", "0")
    numbers = {
        "artists": -(-tracks // PER_ARTIST),
        "albums": -(-tracks // PER_ALBUM),
        "tracks": tracks,
        "collections": 1,
    }
    series = "WITH RECURSIVE c(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM c WHERE n < {})"
    old.insert(
        [f"{series.format(numbers[what])} INSERT INTO {table} SELECT {values} FROM c" for what, table, values in ROWS]
    )


def kill_again_and_again(old: Installation, live: Installation, kills: int, whole: float) -> list[str]:
    """Kill migrate at random moments. After which migration each kill came."""
    died: list[str] = []
    live.become(old)
    while len(died) < kills:
        before = live.applied()
        process = live.start("migrate")
        try:
            process.communicate(timeout=random.uniform(0.05, 0.95) * whole)
            live.become(old)  # it was quicker: from the beginning
            continue
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        done = live.applied()
        assert before <= done
        print(f"kill {len(died) + 1} of {kills}", file=sys.stderr, flush=True)
        died.append(live.ask("SELECT app || '.' || name FROM django_migrations ORDER BY id DESC LIMIT 1")[0][0])
    return died


def faults(live: Installation, fresh: Installation, kept: list[Any]) -> list[str]:
    """What is not as it should be, in words."""
    found = []
    if [live.ask(statement) for statement in KEPT] != kept:
        found.append("rows were changed or lost")
    if live.is_damaged():
        found.append("the database is damaged")
    if live.schema() != fresh.schema():
        found.append("the tables are not those of a fresh installation")
    if live.applied() != fresh.applied():
        found.append("not every migration was applied")
    counters = json.loads(live.manage("status", "--json").splitlines()[-1])["counters"]
    for name, statement in {
        "songs": "SELECT COUNT(*) FROM catalog_track WHERE wanted",
        "missing": "SELECT COUNT(*) FROM catalog_track WHERE wanted AND status = 'missing'",
        "albums": "SELECT COUNT(DISTINCT album_id) FROM catalog_track WHERE wanted",
        "artists": "SELECT COUNT(DISTINCT artist_id) FROM catalog_credit JOIN catalog_track t ON t.id = track_id"
        " WHERE wanted",
    }.items():
        if counters[name] != live.ask(statement)[0][0]:
            found.append(f"the counter of {name} is wrong")
    return found


def measure(place: str, db: str, tracks: int, kills: int) -> dict[str, Any]:
    """Fill, migrate once unhindered, kill, migrate to the end, compare."""
    old, live, fresh = made = [KINDS[db](f"{place}/{name}") for name in ("old", "live", "fresh")]
    try:
        return {"db": db} | _measure(old, live, fresh, tracks, kills)
    finally:
        for installation in made:
            installation.remove()


def _measure(old: Installation, live: Installation, fresh: Installation, tracks: int, kills: int) -> dict[str, Any]:
    fresh.manage("migrate", "--verbosity", "0")
    fill(old, tracks)
    kept = [old.ask(statement) for statement in KEPT]
    live.become(old)
    began = time.perf_counter()
    live.manage("migrate", "--verbosity", "0")
    whole = time.perf_counter() - began
    print(f"{whole:.0f} s unhindered", file=sys.stderr, flush=True)
    unhindered = faults(live, fresh, kept)
    died = kill_again_and_again(old, live, kills, whole)
    live.manage("migrate", "--verbosity", "0")
    return {
        "tracks": tracks,
        "megabytes": old.size() // 1_000_000,
        "seconds_unhindered": round(whole, 1),
        "kills": len(died),
        "killed_after": {name: died.count(name) for name in sorted(set(died))},
        "faults": unhindered + faults(live, fresh, kept),
    }


def main() -> None:
    """Measure and print JSON on the last line; exit 1 where anything is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=sorted(KINDS), default="sqlite")
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="nothing but the last line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tonekeep-bench-") as place:
        said = measure(place, options.db, options.tracks, options.kills)
    if not options.json:
        print(f"{said['kills']} kills, {len(said['faults'])} faults, {said['seconds_unhindered']} s unhindered")
    print(json.dumps(said))
    sys.exit(1 if said["faults"] else 0)


if __name__ == "__main__":
    main()
