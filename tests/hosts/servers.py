"""The two servers that all hosts use: a PostgreSQL of the test's own, and an archive that notes what is asked when."""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from demo.archive import ArchiveServer, Song

PROJECT = Path(__file__).resolve().parents[2]


def server_program(name: str) -> str:
    """The path of a program of PostgreSQL's server; "" where it is not installed."""
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), "")
    return str(Path(found).resolve()) if found else ""


class Postgres:
    """A PostgreSQL in a folder of its own that listens on ``address`` in a namespace, and on a socket for the test."""

    def __init__(self, entering: Sequence[str], address: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tkh-postgres-"))
        self.entering, self.address = list(entering), address
        user = pwd.getpwnam("postgres")
        os.chown(self.home, user.pw_uid, user.pw_gid)
        self._as_postgres("initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "-D", "data")
        with (self.home / "data/postgresql.conf").open("a") as file:
            file.write(f"listen_addresses = '{address}'\nunix_socket_directories = '{self.home}'\n")
            file.write("max_connections = 200\nlog_lock_waits = on\n")
        with (self.home / "data/pg_hba.conf").open("a") as file:
            file.write("host all all 198.18.0.0/24 trust\n")
        self._control("start")

    def _as_postgres(self, program: str, *words: str) -> None:
        command = [*self.entering, "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run(
            [*command, server_program(program), *words], cwd=self.home, check=True, stdout=subprocess.DEVNULL
        )

    def _control(self, what: str) -> None:
        self._as_postgres("pg_ctl", what, "-D", "data", "-l", "log", "-w", "-m", "fast")

    def restart(self) -> None:
        self._control("restart")

    def make_database(self, name: str) -> str:
        """Its address for the hosts."""
        with psycopg.connect(f"host={self.home} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgres://postgres@{self.address}:5432/{name}"

    def query(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement answers; [] for one without any. By the socket: no wire of the hosts is used."""
        with psycopg.connect(f"host={self.home} user=postgres dbname={database}", autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        self._control("stop")
        shutil.rmtree(self.home, ignore_errors=True)


class NotingArchive(ArchiveServer):
    """An archive of very many songs: a song is found by its title, and each request for its audio is noted.

    ``seconds`` pass before an answer with audio, so that fetches are under way for long at no cost.
    """

    def __init__(self, folder: Path, log: Path, seconds: float, **options: Any) -> None:
        super().__init__(folder, **options)
        self.log, self.seconds = log.open("a", buffering=1), seconds
        self.by_title = {song.title: song for song in self.songs}

    def search(self, wish: Any) -> list[dict[str, Any]]:
        song = self.by_title.get(wish.get("title", ""))
        return [self._candidate(song)] if song else []

    def audio(self, name: str) -> Path | None:
        self.log.write(f"{time.time():.3f} {name}\n")
        time.sleep(self.seconds)
        return super().audio(name)


def songs(count: int) -> list[Song]:
    """So many songs, of four seconds each."""
    return [
        Song(
            f"s{number:05}",
            f"Song {number:05}",
            (f"Choir {number % 200}",),
            f"s{number:05}.mp3",
            f"Album {number % 500}",
            4000,
        )
        for number in range(count)
    ]


class Archive:
    """The archive as a process in a namespace."""

    def __init__(self, entering: Sequence[str], address: str, folder: Path, log: Path, seconds: float) -> None:
        words = ["-m", "tests.hosts.servers", "--folder", str(folder), "--log", str(log), "--host", address]
        self.process = subprocess.Popen([*entering, sys.executable, *words, "--seconds", str(seconds)], cwd=PROJECT)
        self.url = f"http://{address}:8090"

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the songs of a folder")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--seconds", type=float, default=0)
    given = parser.parse_args()
    many = songs(sum(1 for _ in given.folder.glob("*.mp3")))
    NotingArchive(given.folder, given.log, given.seconds, songs=many, host=given.host, port=8090).serve()
