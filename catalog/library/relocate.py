"""Relocate: the music folder has moved, and the rows' absolute paths follow it. No file is touched.

Every path is made of the new root and the row's own folder and name, never of the old path: a relocation that was cut
short is simply done again. The root in the library's row is written last, so that the library stays offline, and no
worker runs, until every row is right.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from catalog.models import Library, Track
from catalog.storage import acting_host
from catalog.storage import state as storage
from catalog.storage.marker import MARKER
from catalog.storage.probe import probe_root
from catalog.text.user_error import UserError
from catalog.tracks import transitions
from catalog.tracks.place import PlaceTaken

BATCH = 500  # rows in one transaction


class CannotRelocate(UserError):
    """Nothing was changed: one sentence that says why and what to do next."""


@dataclass(slots=True)
class RelocateReport:
    """Rows with a place, and how many of them got another path."""

    old_root: str
    new_root: str
    rows: int = 0
    changed: int = 0
    state: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)


def relocate(
    new_root: str, now: datetime, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> RelocateReport:
    """Make ``new_root`` the place where the rows' paths begin. ``on_progress`` hears (rows done, rows in all).

    Raises CannotRelocate where MUSIC_DIR is another folder, or the folder there is not this library. Killed in the
    middle, it is run again.
    """
    root = os.path.abspath(os.path.expanduser(new_root))
    _require_library(root)
    with acting_host.try_act("reconcile") as mine:
        if not mine:
            raise CannotRelocate(acting_host.reason_not_to_act("A reconcile is running; try again when it has ended."))
        library = Library.load()
        report = RelocateReport(library.root_path, root, rows=Track.objects.exclude(local_path="").count())
        later = [ids for ids in _batches(on_progress, report) if not _moved(ids, root, report)]
        _move_later([pk for ids in later for pk in ids], root, report)
        Library.objects.filter(pk=library.pk).update(root_path=root)
    report.state = storage.check(now).state
    return report


def _require_library(root: str) -> None:
    library = Library.load()
    if not library.root_uuid:
        raise CannotRelocate(
            "The catalog has no music folder yet: set MUSIC_DIR, then press Rescan folder on the start page."
        )
    if root != settings.MUSIC_DIR:
        raise CannotRelocate(f"MUSIC_DIR is {settings.MUSIC_DIR}; set it to {root} first, then run this again.")
    probe = probe_root(root)
    if probe.problem:
        raise CannotRelocate(probe.problem)
    if probe.marker != library.root_uuid:
        whose = "is another catalog's library" if probe.marker else f"has no {MARKER} file"
        raise CannotRelocate(f"The folder {root} {whose}, so the library has not moved there. Nothing was changed.")


def _batches(on_progress: Callable[[int, int], None], report: RelocateReport) -> Iterator[list[int]]:
    after = done = 0
    while True:
        rows = Track.objects.exclude(local_path="").filter(pk__gt=after).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        if not ids:
            return
        yield ids
        after, done = ids[-1], done + len(ids)
        on_progress(done, report.rows)


def _moved(ids: list[int], root: str, report: RelocateReport) -> bool:
    try:
        report.changed += transitions.relocate(ids, root)
    except PlaceTaken:
        return False
    return True


def _move_later(ids: list[int], root: str, report: RelocateReport) -> None:
    """Rows whose new path is another row's old one, as where /music became /music/all: one by one, until all have
    made room for each other. Each round moves at least the last of every chain."""
    while ids:
        left = [pk for pk in ids if not _moved([pk], root, report)]
        if len(left) == len(ids):
            raise CannotRelocate(
                "Two songs would get one path: check the library on the page Maintenance, and tell us what it says."
            )
        ids = left
