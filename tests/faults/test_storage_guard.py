"""The storage guard under every kind of drive that goes: before, at every moment of, and at the end of a full pass.

What is done to the drive is real (moved, emptied, replaced); only that it may not be read or written is simulated,
since tests may run as root. All that was on it is out of reach of who has it open, too: the absences look real.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver

from catalog.library.reconcile import ReconcileReport, reconcile
from catalog.models import Event, Track
from catalog.storage import state as storage
from catalog.storage.marker import MARKER
from catalog.storage.probe import Root
from downloads.jobs import tasks
from tests.world import ROOT_UUID, World

OTHER_UUID = "11111111-2222-4333-8444-555555555555"
MISSING, EMPTY, UNMARKED, ANOTHERS, A_FILE, UNREADABLE, READ_ONLY, SWAPPED = KINDS = (
    *("missing", "empty", "wrong marker", "another library's", "a file in its place", "unreadable", "read-only"),
    "swapped",  # for an empty folder with the very same marker
)
CALLS = ("open", "stat", "lstat", "scandir", "listdir")


@dataclass
class Drive:
    """The music folder's drive, and one fault of it. ``left`` looks below the root go well, then it is broken."""

    world: World
    kind: str
    patch: pytest.MonkeyPatch
    left: int = -1
    broken: bool = False
    under: tuple[str, ...] = ()

    def watch(self) -> None:
        """Count every look at something below the root, and be in the way of it once broken."""
        for name in CALLS:
            self.patch.setattr(os, name, self._seen(getattr(os, name)))

    def _seen(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            below = named.get("dir_fd") is not None or isinstance(given[0], int)
            if below and not self.broken:
                if self.left == 0:
                    self.break_it()
                self.left -= 1
            if self.broken and self.kind == UNREADABLE and (below or str(given[0]).startswith(str(self.world.root))):
                raise PermissionError(errno.EACCES, "Permission denied")
            return real(*given, **named)

        return call

    def break_it(self) -> None:
        """From now on the drive is as its kind says."""
        root, away = self.world.root, self.world.root.with_name("away")
        if self.kind == READ_ONLY:
            self.patch.setattr(os, "access", lambda *asked: False)
        elif self.kind != UNREADABLE:
            marker = (root / MARKER).read_bytes()
            away.mkdir()
            for name in os.listdir(root):
                (root / name).rename(away / name)
            self._replace(root, marker)
        self.under = everything_under(root)
        self.broken = True

    def _replace(self, root: Path, marker: bytes) -> None:
        root.rename(root.with_name("gone"))
        if self.kind == A_FILE:
            root.write_text("a file")
        elif self.kind != MISSING:
            root.mkdir()
            markers = {UNMARKED: b"\x00\xff\n", ANOTHERS: OTHER_UUID.encode(), SWAPPED: marker}
            if content := markers.get(self.kind):
                (root / MARKER).write_bytes(content)

    def mend(self) -> None:
        """It is back, as it was."""
        self.patch.undo()
        self.broken = False
        root, away, gone = (self.world.root.with_name(name) for name in ("music", "away", "gone"))
        assert root == self.world.root
        if gone.exists():
            shutil.rmtree(root) if root.is_dir() else root.unlink(missing_ok=True)
            for name in os.listdir(away):
                (away / name).rename(gone / name)
            away.rmdir()
            gone.rename(root)


def everything_under(root: Path) -> tuple[str, ...]:
    return tuple(sorted(map(str, root.rglob("*")))) if root.is_dir() else ()


def rows() -> list[object]:
    return [*Track.objects.order_by("pk").values(), *Event.objects.values()]


@pytest.fixture
def drive(world: World, request: pytest.FixtureRequest) -> Iterator[Drive]:
    assert reconcile(world.now).complete
    with pytest.MonkeyPatch.context() as patch:
        yield Drive(world, request.param, patch)


def unharmed(drive: Drive, report: ReconcileReport, before: list[object]) -> None:
    """No row was changed, nothing was written there, and all heals within a minute of its return."""
    assert (report.vanished, rows()) == (0, before)
    if drive.kind == UNREADABLE:
        drive.mend()  # nothing was moved: what is there now was there then
    assert drive.under == everything_under(drive.world.root)
    drive.mend()
    assert tasks.tick() == "done"
    assert storage.current().state == "online"
    assert reconcile(drive.world.later(hours=1), full=True).complete
    assert rows() == before


every_kind = pytest.mark.parametrize("drive", KINDS, indirect=True)


@pytest.mark.parametrize("drive", [kind for kind in KINDS if kind != SWAPPED], indirect=True)
def test_a_drive_that_went_before_the_pass_changes_no_row(drive: Drive) -> None:
    before = rows()
    drive.watch()
    drive.break_it()
    report = reconcile(drive.world.later(hours=1), full=True)
    assert report.state == storage.current().state == ("readonly" if drive.kind == READ_ONLY else "offline")
    assert report.complete is (drive.kind == READ_ONLY), "what may not be written can still be read"
    unharmed(drive, report, before)


@every_kind
def test_a_drive_that_goes_at_any_moment_of_the_pass_changes_no_row(drive: Drive) -> None:
    """Before the first look below the root, before the second, … until the pass ends before it goes."""
    before = rows()
    # The state of the storage is looked at first: a folder with our marker that is there by then is the library.
    number = 1 if drive.kind == "swapped" else 0
    while True:
        drive.left = number
        drive.watch()
        report = reconcile(drive.world.later(hours=1), full=True)
        if not drive.broken:
            break
        unharmed(drive, report, before)
        number += 1
    assert number > 6, "each folder is opened, and listed"
    assert report.complete


@pytest.mark.parametrize("drive", [kind for kind in KINDS if kind != READ_ONLY], indirect=True)
def test_a_drive_that_goes_before_a_real_absence_is_written_down_changes_no_row(drive: Drive) -> None:
    """The end of the pass: a file is really gone, and the drive with it before that can be confirmed."""
    path = Path(next(iter(drive.world.tracks.values())).local_path)
    path.rename(path.with_name("elsewhere"))
    before, require = rows(), Root.require

    def go_before_the_second_look(root: Root) -> None:
        if asked and not drive.broken:
            drive.break_it()
        asked.append(root)
        require(root)

    asked: list[Root] = []
    drive.watch()
    drive.patch.setattr(Root, "require", go_before_the_second_look)
    report = reconcile(drive.world.later(hours=1), full=True)
    assert drive.broken and not report.complete
    assert rows() == before
    drive.mend()
    path.with_name("elsewhere").rename(path)
    assert reconcile(drive.world.later(hours=1), full=True).complete
    assert rows() == before


def test_the_kinds_are_eight_and_the_marker_is_the_librarys(world: World) -> None:
    assert len(set(KINDS)) == 8
    assert (world.root / MARKER).read_text().startswith(ROOT_UUID)


# --- Pages ------------------------------------------------------------------------------------------------


class Hung(BaseException):
    """Here a page would hang: whoever looks at a hung drive gets no answer, and no error either."""


def addresses(patterns: Iterable[Any], before: str = "/") -> Iterator[str]:
    """Every address of the program that needs no argument, the admin's among them."""
    for pattern in patterns:
        path = before + str(pattern.pattern).lstrip("^").rstrip("$").removesuffix("/?")
        if hasattr(pattern, "url_patterns"):
            yield from addresses(pattern.url_patterns, path)
        elif not re.search(r"[<(\\]", path):
            yield path


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_hung_folder_never_hangs_a_page(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    client.force_login(User.objects.create_superuser("admin", "", "secret"))
    track = next(iter(world.tracks.values()))
    paths = [*addresses(get_resolver().url_patterns), f"/tracks/{track.pk}", f"/admin/catalog/track/{track.pk}/change/"]
    root, touched = str(world.root), list[str]()

    def hanging(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if given and isinstance(given[0], (str, os.PathLike)) and os.fspath(given[0]).startswith(root):
                touched.append(real.__name__)  # also from a thread, which a page would wait for
                raise Hung(given[0])
            return real(*given, **named)

        return call

    for name in (*CALLS, "statvfs", "access", "mkdir", "unlink", "rename", "link"):
        monkeypatch.setattr(os, name, hanging(getattr(os, name)))
    monkeypatch.setattr("builtins.open", hanging(open))
    answered = [path for path in paths if "logout" not in path and getattr(client, method)(path).status_code < 500]
    assert len(answered) > 40 and {"/", "/queue", "/status", "/healthz", "/metrics", "/bin"} <= set(answered)
    assert touched == []
    with pytest.raises(Hung):
        os.stat(f"{root}/{MARKER}")
