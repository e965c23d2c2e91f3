"""The program as a person has it: commands in processes of their own, pages over HTTP, a folder, a CSV."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from demo.archive import ArchiveServer, Song
from tests import fork_server
from tests.audio import make_audio
from tests.migrated import copy_migrated_database

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 4
HEADER = ["Track URI", "Track Name", "Artist Name(s)", "Album Name", "Track Number", "Track Duration (ms)", "ISRC"]


@dataclass
class Program:
    """One installation below ``home``; ``archive`` is its audio server."""

    home: Path
    archive: ArchiveServer
    music: Path = field(init=False)

    def __post_init__(self) -> None:
        self.music = self.home / "music"
        self.music.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(self.home / "data"),
            "MUSIC_DIR": str(self.music),
            "AUDIO_SOURCE": "archive",
            "ARCHIVE_URL": self.archive.url,
            "MIN_FREE_GB": "0",
            "STATUS_PUBLIC": "true",
            "WATCH": "off",
            "CONFIRM_PLANS": "false",
        }
        copy_migrated_database(self.home / "data")

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command, however it ends."""
        return fork_server.manage(words, self.environment | environment, timeout=600)

    def manage(self, *words: str) -> str:
        """A command that must succeed; what it printed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str) -> dict[str, Any]:
        """The last line of a command's output, read as JSON."""
        answer: dict[str, Any] = json.loads(self.manage(*words, "--json").strip().splitlines()[-1])
        return answer

    def status(self) -> dict[str, Any]:
        return self.json("status")

    def counters(self) -> tuple[int, int, int]:
        """(missing, downloading, downloaded)"""
        seen = self.status()["counters"]
        assert seen["missing"] + seen["downloading"] + seen["downloaded"] == seen["songs"]
        return seen["missing"], seen["downloading"], seen["downloaded"]

    def files(self) -> list[Path]:
        """The music on disk."""
        hidden = self.music / ".tonekeep-incoming"
        return sorted(path for path in self.music.rglob("*.mp3") if hidden not in path.parents)

    def write_library(self, *titles: str) -> Path:
        """An export of these songs, each of which the audio server has."""
        path = self.home / "liked.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for number, title in enumerate(titles, 1):
                uri = f"spotify:track:{number:022d}"
                writer.writerow([uri, title, "Maria Ruiz", "First Light", number, SECONDS * 1000, f"XXAAA{number:07d}"])
        return path

    def serve(self, *titles: str) -> None:
        """Put recordings on the audio server's shelf."""
        for number, title in enumerate(titles, len(self.archive.songs)):
            make_audio(self.archive.folder / f"{number}.mp3", SECONDS, 300 + 20 * number)
            song = Song(f"song-{number}", title, ("Maria Ruiz",), f"{number}.mp3", "First Light", SECONDS * 1000)
            self.archive.songs.append(song)

    def time_passes(self) -> None:
        """Until every cooling track is due: the only thing that is done to the database from outside."""
        with sqlite3.connect(self.home / "data" / "tonekeep.sqlite3") as database:
            database.execute("UPDATE catalog_track SET retry_after = '2020-01-01 00:00:00' WHERE status = 'missing'")
        database.close()

    @contextmanager
    def web(self) -> Iterator[str]:
        """The pages, served by Django's own server; the address."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
        quiet = subprocess.DEVNULL
        server = subprocess.Popen(command, cwd=PROJECT, env=self.environment, stdout=quiet, stderr=quiet)
        try:
            address = f"http://127.0.0.1:{port}"
            _until_it_answers(f"{address}/healthz", server)
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=600)


def get(address: str, accept: str = "application/json") -> Any:
    """The JSON, or text, at ``address``."""
    with urlopen(Request(address, headers={"Accept": accept}), timeout=600) as answer:
        body = answer.read().decode()
    return json.loads(body) if accept == "application/json" else body


def _until_it_answers(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert server.poll() is None, "the web server ended"
        try:
            urlopen(address, timeout=600).close()
            return
        except OSError:
            time.sleep(0.1)  # waits for a process of its own, not for a time to come
    raise AssertionError("the web server does not answer")
