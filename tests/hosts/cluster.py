"""Several hosts as processes in their own namespaces, one folder at as many paths, and what to ask of them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.audio import make_audio
from tests.e2e.installation import PROJECT, Installation
from tests.hosts import network, servers

SOUNDS = 20  # recordings that the songs share
# Every change of the lease, by the database's own clock: who had it until when, who took it.
AUDIT = """
CREATE TABLE lease_audit (at timestamptz, old text, until timestamptz, new text);
CREATE FUNCTION note_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO lease_audit VALUES (clock_timestamp(), OLD.host, OLD.expires_at, NEW.host); RETURN NEW; END $$;
CREATE TRIGGER note_lease AFTER UPDATE ON catalog_lease FOR EACH ROW WHEN (OLD.token <> NEW.token)
    EXECUTE FUNCTION note_lease();
"""


class Host(Installation):
    """An installation whose processes run in a namespace, with a bind mount of the one folder at its own path."""

    def __init__(self, home: Path, name: str, entering: list[str], shared: Path, database: str, **changes: str) -> None:
        self.name, self.entering, self.shared = name, entering, shared
        roles = {"HOST_NAME": name, "ROLES": "jobs,downloads", "SECRET_KEY": "k" * 60, "DATABASE_URL": database}
        super().__init__(home, None, **roles, **changes)
        self.mount()

    def _make_database(self) -> None:
        """It is all hosts'."""

    def mount(self) -> None:
        subprocess.run(["mount", "--bind", str(self.shared), str(self.music)], check=True)

    def unmount(self) -> None:
        """The drive goes although its files are open."""
        subprocess.run(["umount", "-l", str(self.music)], check=True)

    def start(self, *words: str) -> None:
        with self.log.open("ab") as log:
            self.run = subprocess.Popen(
                [*self.entering, sys.executable, "manage.py", *(words or ("run",))],
                cwd=PROJECT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [*self.entering, sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=PROJECT, env=self.environment, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def kill(self) -> None:
        """The power goes: every process at once."""
        for _ in range(3):  # what was being forked meanwhile
            for pid in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self.run:
            self.run.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()
        with suppress(subprocess.CalledProcessError):
            self.unmount()


class Fleet:
    """``names`` as hosts on one database and one folder. Use as a context manager."""

    def __init__(self, home: Path, names: list[str], tracks: int, seconds: float = 0, **changes: str) -> None:
        self.home, self.names, self.changes = home, names, {"DOWNLOAD_WORKERS": "2", **changes}
        self.seconds = seconds
        self.songs = servers.songs(tracks)
        self.fetched = home / "fetched"
        self.shared = home / "shared"
        self.closing: list[Any] = []
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> Fleet:
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self) -> None:
        self.shared.mkdir()
        self.network = network.Network(self.names)
        self.closing.append(self.network)
        self.postgres = servers.Postgres(self.network.entering("hub"), network.DATABASE)
        self.closing.append(self.postgres)
        folder = self._recordings()
        hub = self.network.entering("hub")
        archive = servers.Archive(hub, network.ARCHIVE, folder, self.fetched, self.seconds)
        self.closing.append(archive)
        self.changes |= {"AUDIO_SOURCE": "archive", "ARCHIVE_URL": archive.url}
        self.use("hosts", self.names)

    def _recordings(self) -> Path:
        folder = self.home / "archive"
        folder.mkdir()
        sounds = [
            make_audio(self.home / f"sound{number}.mp3", 4, frequency=200 + 30 * number) for number in range(SOUNDS)
        ]
        for number, song in enumerate(self.songs):
            os.link(sounds[number % SOUNDS], folder / song.file)
        return folder

    def use(self, database: str, names: list[str]) -> None:
        """A new catalog with these hosts, and all songs in it; the folder is emptied. Nothing runs yet."""
        for host in self.hosts.values():
            host.__exit__()
        for path in [*self.shared.iterdir()]:
            subprocess.run(["rm", "-rf", str(path)], check=True)
        self.database = database
        address = self.postgres.make_database(database)
        self.hosts = {
            name: Host(
                self.home / f"{database}-{name}",
                name,
                self.network.entering(name),
                self.shared,
                address,
                **self.changes,
            )
            for name in names
        }
        first = next(iter(self.hosts.values()))
        first.command("migrate", "--verbosity", "0")
        self.sql(AUDIT)
        first.command("import_library", str(first.write_export(self.songs)))

    def __exit__(self, *_: object) -> None:
        for host in self.hosts.values():
            host.__exit__()
        for one in reversed(self.closing):
            with suppress(subprocess.CalledProcessError):
                one.close()

    # --- What the database says ---------------------------------------------------------------------------

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return self.postgres.query(self.database, statement)

    def number(self, statement: str) -> int:
        return int(self.sql(statement)[0][0])

    def here(self) -> int:
        return self.number("SELECT COUNT(*) FROM catalog_track WHERE status = 'downloaded'")

    def acting(self) -> str:
        rows = self.sql("SELECT host FROM catalog_lease WHERE expires_at > now()")
        return str(rows[0][0]) if rows else ""

    def claims(self, name: str) -> int:
        return self.number(f"SELECT COUNT(*) FROM catalog_track WHERE claim LIKE '{name}-%'")

    def fetching(self, name: str) -> int:
        """As `claims`, of those that were renewed in the last 20 seconds: not of a host that is dead."""
        alive = f"claim LIKE '{name}-%' AND claim_until > now() + interval '100 seconds'"
        return self.number(f"SELECT COUNT(*) FROM catalog_track WHERE {alive}")

    def end_cooldowns(self) -> None:
        """What was cut off rests for minutes; here it is due at once."""
        self.sql("UPDATE catalog_track SET retry_after = now() WHERE status = 'missing' AND retry_after > now()")

    def finish(self, patience: float) -> None:
        """Wait until every song is on disk."""
        give_up = time.monotonic() + patience
        while self.here() < len(self.songs):
            assert time.monotonic() < give_up, self.state()
            time.sleep(5)
            self.end_cooldowns()

    def state(self) -> str:
        tracks = self.sql("SELECT status, error_kind, COUNT(*) FROM catalog_track GROUP BY 1, 2 ORDER BY 1, 2")
        services = self.sql("SELECT name, state, reason, paused_until FROM catalog_service")
        hosts = self.sql("SELECT name, storage, storage_reason FROM catalog_host")
        return f"{tracks} {services} {hosts} acting: {self.acting()}"


class Watch(threading.Thread):
    """Looks at the shared folder all the time: a file that is in the library keeps its inode, size and time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.seen, self.changed = folder, dict[str, tuple[int, int, int]](), list[str]()
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(1.0):
            self.look()

    def look(self) -> None:
        for folder, below, names in os.walk(self.folder):  # says nothing of a folder that has just been removed
            below[:] = [name for name in below if name != ".tonekeep-incoming"]
            for path in (os.path.join(folder, name) for name in names if name.endswith(".mp3")):
                with suppress(FileNotFoundError):
                    status = os.stat(path)
                    stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
                    if self.seen.setdefault(path, stamp) != stamp:
                        self.changed.append(path)

    def end(self) -> None:
        assert self.is_alive(), "it has looked all the time"
        self.ended.set()
        self.join()
        self.look()
        self.changed += [path for path in self.seen if not Path(path).exists()]
