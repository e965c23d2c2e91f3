"""SQLite -> PostgreSQL -> SQLite by `copy_database`, killed at many moments on either way, and compared row for row.

    python bench/move_to.py [--tracks 100000] [--kills 10]

The catalog is that of bench/rows.py, with a decision of a person for each fifth track and a journaled move for each
tenth. Each way is begun anew after a kill -9, first while the tables are made and then after each tenth of the rows.
The file that comes back is compared with the first one by SQL of its own, table by table.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.setup import _server, configure

# Beginnings of tables that no copy takes along; the last one says when each migration was run on that database.
LEFT_BEHIND = ("django_q", "catalog_cluster", "sqlite_", "django_migrations")


def fill(tracks: int) -> None:
    """The rows of the source."""
    from django.utils import timezone

    from bench.rows import fill as fill_catalog
    from downloads.models import Candidate, Move, MoveBatch

    fill_catalog(tracks)
    now = timezone.now()
    Candidate.objects.bulk_create(
        [
            Candidate(track_id=number, source="youtube", source_id=f"v{number}", url="https://x", verdict="never",
                      why="a live take", artists=["A", "é"], reasons=["length"], score=0.5, found_at=now)
            for number in range(5, tracks + 1, 5)
        ],
        batch_size=5000,
    )  # fmt: skip
    batch = MoveBatch.objects.create(asked_at=now)
    moves = [
        Move(batch=batch, track_id=number, origin=f"a/{number}", target=f"b/{number}", size=2**33, state="moved")
        for number in range(10, tracks + 1, 10)
    ]
    Move.objects.bulk_create(moves, batch_size=5000)


def copy(url: str, die_at: float) -> None:
    """In a process of its own: copy the database of the environment into ``url``; 1 and more: to the end."""
    import django

    django.setup()
    from catalog.db import copy_database as module

    def died(done: int, total: int) -> None:
        if done >= die_at * total:
            os.kill(os.getpid(), signal.SIGKILL)

    if die_at == 0:
        module._clear_target = lambda: os.kill(os.getpid(), signal.SIGKILL)  # the tables are there, nothing else
    report = module.copy_database(url, died if die_at < 1 else lambda done, total: None)
    print(f"  {report.rows:,} rows of {report.tables} tables, {report.resumed:,} of them before the last start")


def moved(source: str, target: str, kills: int) -> float:
    """Seconds of all tries together. Raises where one did not end as it should."""
    began = time.monotonic()
    for number in range(kills + 1):
        die_at = number / kills if number < kills else 1.0
        command = [sys.executable, os.path.abspath(__file__), "--copy", target, "--die-at", str(die_at)]
        status = subprocess.run(command, env={**os.environ, "DATABASE_URL": source}).returncode
        if status != (-signal.SIGKILL if number < kills else 0):
            raise SystemExit(f"The try that was to die at {die_at:.0%} ended with {status}.")
    return time.monotonic() - began


def differences(one: Path, other: Path) -> list[str]:
    """Tables of two SQLite files that are not equal, row for row and column by column."""
    with sqlite3.connect(one) as first, sqlite3.connect(other) as second:
        tables = [name for (name,) in first.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in tables if not name.startswith(LEFT_BEHIND)]
        return [name for name in kept if not _same(name, first, second)]


def _same(table: str, first: sqlite3.Connection, second: sqlite3.Connection) -> bool:
    columns = ", ".join(f'"{row[1]}"' for row in first.execute(f'PRAGMA table_info("{table}")'))
    rows = [database.execute(f'SELECT {columns} FROM "{table}" ORDER BY 1') for database in (first, second)]
    return all(a == b for a, b in zip(*rows, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--copy", help=argparse.SUPPRESS)
    parser.add_argument("--die-at", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.copy:
        copy(options.copy, options.die_at)
        return
    with tempfile.TemporaryDirectory(prefix="tonekeep-bench-") as place:
        round_trip(place, options.tracks, options.kills)


def round_trip(place: str, tracks: int, kills: int, say: Callable[[str], object] = print) -> None:
    """There and back. Raises SystemExit where anything is not as it was."""
    import psycopg

    configure(place, "sqlite")
    fill(tracks)
    from django.db import connections

    first, last = Path(connections["default"].settings_dict["NAME"]), Path(place) / "back.sqlite3"
    connections.close_all()
    name = f"tonekeep_move_{os.getpid()}"
    postgres = f"{_server().rpartition('/')[0]}/{name}"
    with psycopg.connect(_server(), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            say(f"to PostgreSQL, {kills} kills: {moved(f'sqlite:///{first}', postgres, kills):.0f} s")
            say(f"back, {kills} kills: {moved(postgres, f'sqlite:///{last}', kills):.0f} s")
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    if different := differences(first, last):
        raise SystemExit(f"What came back differs in {', '.join(different)}.")
    say(f"{tracks:,} tracks there and back: every row of every table is as it was")


if __name__ == "__main__":
    main()
