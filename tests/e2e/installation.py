"""A whole installation in a folder of its own: real processes, driven by commands, signals and HTTP only."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
from django.conf import settings

from demo.archive import ArchiveServer, Song
from tests import fork_server
from tests.audio import make_audio
from tests.migrated import copy_migrated_database
from tests.ports import free_port

T = TypeVar("T")
PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 240.0  # seconds until a test gives up: a plain cluster looks at its schedule after 30 s, then each minute

SONGS = [
    Song(f"s{number}", f"Song {word}", ("Test Choir",), f"s{number}.mp3", "First", 4000)
    for number, word in enumerate(("One", "Two", "Three", "Four", "Five"), start=1)
]


class HeldArchive(ArchiveServer):
    """An archive that can keep fetches under way: while it is held, audio trickles by the byte, so nobody times out."""

    held = False

    def audio(self, name: str) -> Path | None:
        path = super().audio(name)
        return cast(Path, TricklingPath(path, self)) if path else None

    def fetches(self, song: Song) -> int:
        """How often a song's audio was asked for; one fetch asks twice."""
        return self.requests[f"/audio/{song.file}"]


class TricklingPath:
    """A file as the archive serves it: `stat`, `suffix` and `open`."""

    def __init__(self, path: Path, archive: HeldArchive) -> None:
        self.path, self.archive, self.suffix = path, archive, path.suffix

    def stat(self) -> os.stat_result:
        return self.path.stat()

    def open(self, mode: str) -> Trickle:
        return Trickle(self.path, self.archive)


class Trickle(io.FileIO):
    """Reads whole blocks, or one byte each half second while the archive is held."""

    def __init__(self, path: Path, archive: HeldArchive) -> None:
        super().__init__(path)
        self.archive = archive

    def read(self, size: int | None = -1) -> bytes:
        if not self.archive.held:
            return super().read(size)
        time.sleep(0.5)
        return super().read(1)


def make_archive(folder: Path) -> HeldArchive:
    folder.mkdir()
    for number, song in enumerate(SONGS, start=1):
        make_audio(folder / song.file, 4, frequency=200 * number)
    return HeldArchive(folder, songs=SONGS)


AUDIO = {".mp3", ".m4a", ".opus", ".ogg", ".flac", ".wav"}


def eventually(look: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """The first true answer of ``look``; fails with ``what`` where none comes."""
    give_up = time.monotonic() + patience
    while not (seen := look()):
        assert time.monotonic() < give_up, f"waited {patience:.0f} s in vain: {what}"
        time.sleep(0.1)
    return seen


class Installation:
    """Settings, database and music folder of its own. Use as a context manager: the end kills what is left."""

    def __init__(self, home: Path, archive: ArchiveServer | None = None, **changes: str) -> None:
        self.home = home
        self.data = home / "data"
        self.music = home / "music"
        self.port = free_port()
        self.log = home / "log"
        self.run: subprocess.Popen[bytes] | None = None
        home.mkdir(exist_ok=True)
        self.music.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(self.data),
            "MUSIC_DIR": str(self.music),
            "DATABASE_URL": changes.get("DATABASE_URL") or own_database(home.parent.name + home.name),
            "PORT": str(self.port),
            "STATUS_PUBLIC": "true",
            "MIN_FREE_GB": "0",
            "WATCH": "off",
            "CONFIRM_PLANS": "false",
            **({"AUDIO_SOURCE": "archive", "ARCHIVE_URL": archive.url} if archive else {}),
            **changes,
        }
        self._make_database()

    def _make_database(self) -> None:
        if self.environment["DATABASE_URL"]:
            self.command("migrate", "--verbosity", "0")
        else:
            copy_migrated_database(self.data)

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self.run:
            self.run.wait()
        drop_database(self.environment["DATABASE_URL"])

    # --- Commands -----------------------------------------------------------------------------------------

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`manage.py` with these words, in this installation's environment."""
        done = fork_server.manage(words, self.environment, timeout=600)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def import_songs(self, *songs: Song) -> None:
        """Import an export that lists these songs."""
        self.command("import_library", str(self.write_export(songs)))

    def write_export(self, songs: Sequence[Song]) -> Path:
        """A file as Exportify writes it that lists these songs."""
        path = self.home / "export.csv"
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["Track URI", "Track Name", "Artist Name(s)", "Album Name", "Track Duration (ms)"])
            rows.writerows(
                [f"spotify:track:{song.id:0<22}", song.title, song.artists[0], song.album, song.duration_ms]
                for song in songs
            )
        return path

    def start(self, *words: str) -> None:
        """Start `manage.py run` (or other words) in a session of its own, as a terminal would."""
        with self.log.open("ab") as log:
            self.run = subprocess.Popen(
                [sys.executable, "manage.py", *(words or ("run",))],
                cwd=PROJECT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def interrupt(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C: the signal to the foreground process group. The exit status; its time is the caller's to look at."""
        assert self.run
        os.killpg(self.run.pid, number)
        return self.run.wait(timeout=PATIENCE)

    # --- What it says -------------------------------------------------------------------------------------

    def get(self, path: str) -> str:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=600) as answer:
            return str(answer.read().decode())

    def status(self) -> dict[str, Any]:
        """`/status`, {} while nobody answers."""
        try:
            answer: dict[str, Any] = json.loads(self.get("/status"))
        except (URLError, ConnectionError, TimeoutError):
            return {}
        return answer

    def counts(self) -> tuple[int, int, int]:
        """Missing, downloading, downloaded."""
        counters = self.status().get("counters", {})
        return counters.get("missing", -1), counters.get("downloading", -1), counters.get("downloaded", -1)

    def files(self) -> list[Path]:
        """Audio files in the library, the stage, playlists and pictures aside."""
        return sorted(
            path
            for path in self.music.rglob("*.*")
            if path.suffix in AUDIO
            and path.is_file()
            and ".tonekeep-incoming" not in path.parts
            and path.name[0] != "."
        )

    # --- Its processes ------------------------------------------------------------------------------------

    def processes(self) -> dict[int, str]:
        """Pid -> command line of everything that carries this installation's name or works in its folders."""
        return {pid: line for pid, line in all_processes() if self._owns(pid)}

    def _owns(self, pid: int) -> bool:
        with suppress(OSError):
            if f"DATA_DIR={self.data}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                return True
            return str(Path(f"/proc/{pid}/cwd").readlink()).startswith(str(self.music))
        return False

    def named(self, pattern: str) -> list[int]:
        """Pids whose command line matches, the oldest first."""
        return sorted(pid for pid, line in self.processes().items() if re.search(pattern, line))

    def fetching(self) -> list[int]:
        """Pids of the children that fetch just now: they work inside the stage."""
        from catalog.storage.own_folders import STAGING  # here: it needs the apps, and benchmarks start without them

        found = []
        for pid in self.processes():
            with suppress(OSError):
                if STAGING in str(Path(f"/proc/{pid}/cwd").readlink()):
                    found.append(pid)
        return found


def own_database(name: str) -> str:
    """The address of an empty database: a file by default ("" means that), or a new one on the tests' PostgreSQL."""
    default: Mapping[str, Any] = settings.DATABASES["default"]
    if not default["ENGINE"].endswith("postgresql"):
        return ""
    # With our process id: two processes of one run may be at the same test with another parameter.
    database = f"e2e_{os.getpid()}_" + re.sub(r"\W", "_", name)[-40:].lower()
    on_server(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)', f'CREATE DATABASE "{database}"')
    place = f"{default['HOST']}:{default['PORT'] or 5432}"
    return f"postgres://{default['USER']}:{default['PASSWORD']}@{place}/{database}"


def drop_database(address: str) -> None:
    if address:
        on_server(f'DROP DATABASE IF EXISTS "{address.rpartition("/")[2]}" WITH (FORCE)')


def on_server(*statements: str) -> None:
    """Run statements on the tests' PostgreSQL, outside any transaction."""
    default: Mapping[str, Any] = settings.DATABASES["default"]
    place = {"host": default["HOST"], "port": default["PORT"] or 5432, "user": default["USER"]}
    with psycopg.connect(dbname="postgres", autocommit=True, password=default["PASSWORD"], **place) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def all_processes() -> Iterator[tuple[int, str]]:
    """Every live process: zombies hold nothing and are left to their parent."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    yield int(entry.name), (entry / "cmdline").read_text().replace("\0", " ")


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
