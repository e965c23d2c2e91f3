"""Two hosts, each with its own DATA_DIR, on one PostgreSQL and one folder. `make hosts-test`."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from tests.e2e.installation import SONGS, HeldArchive, Installation, eventually, make_archive

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="several hosts need PostgreSQL: DB=postgres"),
]
TAKEN_OVER_WITHIN = 120.0  # seconds
AGE_CLAIMS = """
from datetime import timedelta
from django.db.models import F
from catalog.models import Track
Track.objects.filter(status="downloading", claim__startswith="{host}-").update(
    claim_until=F("claim_until") - timedelta(minutes=5))
"""
NO_COOLDOWN = """
from catalog.db import database_clock
from catalog.models import Track
Track.objects.filter(status="missing").update(retry_after=database_clock.now())
"""
CLAIMED = "from catalog.models import Track; print([t.claim for t in Track.objects.downloading()])"
FINISHED = (
    "from catalog.models import Event; "
    "print(sorted(Event.objects.filter(kind='finish').values_list('track_id', flat=True)))"
)


class Cable:
    """The network between a host and the database: a port that passes everything on until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self.there = (host, port)
        self.cut = False
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.server.accept()
                far = socket.create_connection(self.there)
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                while self.cut:  # nothing arrives, nothing is refused
                    time.sleep(0.1)
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[HeldArchive]:
    with make_archive(tmp_path / "archive") as server:
        assert isinstance(server, HeldArchive)
        yield server
        server.held = False


def kill_all(host: Installation) -> None:
    for pid in host.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def hosts(tmp_path: Path, archive: HeldArchive) -> Iterator[tuple[Installation, Installation, Cable]]:
    """``nas`` without pages, reached by the database through a cable, and ``attic`` with pages; one worker each."""
    shared = {"SECRET_KEY": "k" * 60, "DOWNLOAD_WORKERS": "1"}
    with ExitStack() as stack:
        attic = stack.enter_context(Installation(tmp_path / "attic", archive, HOST_NAME="attic", **shared))
        address = urlsplit(attic.environment["DATABASE_URL"])
        cable = Cable(address.hostname or "127.0.0.1", address.port or 5432)
        through = address._replace(netloc=f"{address.username}:{address.password or ''}@127.0.0.1:{cable.port}")
        changes = {"HOST_NAME": "nas", "ROLES": "jobs,downloads", "MUSIC_DIR": str(attic.music), **shared}
        nas = Installation(tmp_path / "nas", archive, DATABASE_URL=through.geturl(), **changes)
        stack.callback(kill_all, nas)
        yield nas, attic, cable


def seen(attic: Installation) -> dict[str, dict[str, Any]]:
    """What `manage.py status` says of each host."""
    answer = json.loads(attic.command("status", "--json").stdout)
    return {host["name"]: host for host in answer["hosts"]}


def acting(attic: Installation) -> list[str]:
    return [name for name, host in seen(attic).items() if host["acts"]]


def both_fetch(nas: Installation, attic: Installation, archive: HeldArchive) -> None:
    """``nas`` starts first and acts; both hold a track whose audio does not come."""
    attic.import_songs(*SONGS)
    archive.held = True
    nas.start()
    eventually(lambda: "nas-" in nas.command("shell", "-c", CLAIMED).stdout, "nas fetches")
    attic.start()
    eventually(lambda: "attic-" in attic.command("shell", "-c", CLAIMED).stdout, "attic fetches")
    assert acting(attic) == ["nas"]
    assert all(host["fetching"] for host in seen(attic).values())  # the first one's main cluster may have filled in


def all_is_well(attic: Installation, archive: HeldArchive) -> None:
    """Every song once on disk and finished once; nobody's stage is left."""
    eventually(lambda: attic.counts() == (0, 0, 5), "all five songs on disk")
    assert len(attic.files()) == 5
    assert attic.command("shell", "-c", FINISHED).stdout.strip().endswith("[1, 2, 3, 4, 5]")
    stage = attic.music / ".tonekeep-incoming"
    eventually(lambda: not list(stage.glob("[0-9]*")), "the stage is empty")


def test_a_host_that_is_killed_is_taken_over_within_two_minutes_and_nothing_is_lost(
    hosts: tuple[Installation, Installation, Cable], archive: HeldArchive
) -> None:
    nas, attic, _ = hosts
    both_fetch(nas, attic, archive)
    kill_all(nas)
    killed = time.monotonic()
    eventually(lambda: acting(attic) == ["attic"], "attic acts", TAKEN_OVER_WITHIN)
    print(f"taken over after {time.monotonic() - killed:.0f} s")
    archive.held = False
    attic.command("shell", "-c", AGE_CLAIMS.format(host="nas"))  # instead of waiting for its end
    attic.command("tick")
    eventually(lambda: "nas-" not in attic.command("shell", "-c", CLAIMED).stdout, "the track is recovered")
    attic.command("shell", "-c", NO_COOLDOWN)
    attic.command("tick")
    all_is_well(attic, archive)


def test_a_host_that_is_cut_off_from_the_database_publishes_nothing_that_it_has_lost(
    hosts: tuple[Installation, Installation, Cable], archive: HeldArchive
) -> None:
    nas, attic, cable = hosts
    both_fetch(nas, attic, archive)
    cable.cut = True
    eventually(lambda: acting(attic) == ["attic"], "attic acts", TAKEN_OVER_WITHIN)
    attic.command("shell", "-c", AGE_CLAIMS.format(host="nas"))
    attic.command("tick")
    eventually(lambda: "nas-" not in attic.command("shell", "-c", CLAIMED).stdout, "the track is recovered")
    archive.held = False  # what nas fetches comes now; it is no longer its own
    attic.command("shell", "-c", NO_COOLDOWN)
    attic.command("tick")
    all_is_well(attic, archive)
    before = {path: path.stat().st_mtime_ns for path in attic.files()}
    cable.cut = False
    eventually(lambda: not seen(attic)["nas"]["silent"], "nas is heard of again")
    assert acting(attic) == ["attic"]
    assert {path: path.stat().st_mtime_ns for path in attic.files()} == before
