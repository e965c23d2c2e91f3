"""The trash: ``<music>/.bin/<day>/``, hidden from players, with each file's place below it. Nothing in it is deleted.

A file goes there where the last collection that wanted it says so, and comes back by itself as soon as its song is
wanted again, also under a new Spotify id of the same recording: the row is the same, and so is its file. Where a file
is to go is written down first (`BinnedFile`), then it is moved, then its row follows: whatever a crash leaves, rows
and disk say how far it came, and `recover` goes on from there. Nothing is ever overwritten.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from catalog.ingest import removal_policy
from catalog.models import BinnedFile, Library, Track
from catalog.reports import plan
from catalog.storage import acting_host, own_folders
from catalog.storage import state as storage
from catalog.storage.own_folders import TRASH, remove_empty_folders
from catalog.storage.probe import RootProblem, open_root
from catalog.system.failpoints import failpoint
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken
from downloads.file_moves import restore
from downloads.file_moves.journaled_move import (
    JournaledMove,
    absolute,
    complete,
    is_linked,
    is_lost,
    link_to_target,
)
from downloads.publishing import link_method
from downloads.publishing.target_path import free_name, short_id

State = BinnedFile.State
BUSY = "The music folder is being scanned; look again when that has ended."
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class BinReport:
    """Files moved into the bin, moved back, gone in between; ``left`` could not be moved now and are tried again."""

    binned: int = 0
    returned: int = 0
    gone: int = 0
    left: int = 0
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """The report in words."""
        if self.problem:
            return self.problem
        text = f"{self.binned:,} files moved to the bin, {self.returned:,} moved back."
        return text + (f" {self.left:,} could not be moved and are tried again." if self.left else "")


def process_trash_requests(now: datetime) -> BinReport:
    """Move what is to go and bring back what is wanted again. To be called after a reconcile."""
    removal_policy.switched_off()
    _forget_settled()
    wanted_again = BinnedFile.objects.filter(state=State.BINNED, track__wanted=True)
    wanted_again.update(state=State.RETURNING)
    if waiting := plan.to_let_go():
        report = _move_files([State.LEAVING, State.RETURNING], now)
        report.problem = report.problem or f"{waiting:,} files wait to go to the bin: say yes on the page /plan."
        return report
    report = _move_files([State.LEAVING, State.RETURNING, State.ASKED], now)
    if not report.problem and not report.left:  # the next large departure asks again
        Library.objects.filter(pk=1, bin_accepted=True).update(bin_accepted=False)
    return report


def recover(now: datetime) -> BinReport:
    """Finish moves that a crash cut short. To be called before a reconcile, which would miss the file."""
    return _move_files([State.LEAVING, State.RETURNING], now)


def take_back(files: Iterable[int] | None = None, day: str = "") -> int:
    """A person wants these files back where they were: row ids, or those of one ``day``, or all of the bin.

    Rows only; `process_trash_requests` moves the files. How many are to come back.
    """
    rows = BinnedFile.objects.filter(state=State.BINNED)
    if files is not None:
        rows = rows.filter(pk__in=list(files))
    if day:
        rows = rows.filter(target__startswith=f"{TRASH}/{day}/")
    return rows.update(state=State.RETURNING)


def _forget_settled() -> None:
    """Nothing is to be moved for a song that is wanted, and whose file is where it belongs, or that is ignored."""
    BinnedFile.objects.filter(state__in=[State.ASKED, State.KEPT], track__wanted=True).delete()
    BinnedFile.objects.filter(state=State.ASKED, track__ignored=True).delete()


def _move_files(states: list[str], now: datetime) -> BinReport:
    report = BinReport()
    rows = BinnedFile.objects.filter(state__in=states).exclude(state=State.ASKED, track__wanted=True)
    ids, formers = list(rows.order_by("pk").values_list("pk", flat=True)), restore.waiting()
    if not ids and not formers:
        return report
    state = storage.check(now)
    if not state.may_write:
        report.problem = state.reason
        return report
    report.problem = own_folders.problem_of(TRASH)
    if report.problem:
        return report
    with acting_host.try_act("reconcile") as mine:  # a pass beside us would see a file in neither place
        if not mine:
            report.problem = acting_host.reason_not_to_act(BUSY)
            return report
        try:
            with open_root(state.root) as root:
                for pk in ids:
                    root.require()
                    _move_one(pk, now, report)
                for pk in formers:
                    root.require()
                    _count(report, restore.see_through(pk, now, link_method.method_in(TRASH)))
        except RootProblem as error:
            report.problem = str(error)
    return report


def _count(report: BinReport, result: str) -> None:
    report.returned += result == restore.RETURNED
    report.gone += result == restore.GONE
    report.left += result == restore.LEFT


def _move_one(pk: int, now: datetime, report: BinReport) -> None:
    """See one file through. A disk that refuses leaves the row as it is: it is tried again next time."""
    item = BinnedFile.objects.select_related("track__folder").filter(pk=pk).first()
    if item is None:
        return
    try:
        if item.state == State.ASKED and not _begin(item, now):
            return
        TrashMove(item, now, report).run()
    except OSError as error:
        logger.warning("The file of track %s cannot be moved: %s", item.track_id, error.strerror)
        report.left += 1


def _begin(item: BinnedFile, now: datetime) -> bool:
    """Write down where the file is and where it goes. False: there is no file to move, or it is in the bin already."""
    track = item.track
    if track.status != Track.Status.DOWNLOADED or track.wanted or track.folder is None:
        return False
    item.origin = Place(settings.MUSIC_DIR, track.folder.path, track.file_name).relative
    if item.origin.startswith(f"{TRASH}/"):
        return False
    item.target = free_name(f"{TRASH}/{now:%Y-%m-%d}/{item.origin}", "bin")
    item.state = State.LEAVING
    item.save(update_fields=["origin", "target", "state"])
    failpoint("bin_noted")
    return True


class TrashMove(JournaledMove):
    """One file on its way to the trash or back, from wherever a crash left it."""

    linked_point, followed_point = "bin_moved", "bin_followed"

    def __init__(self, item: BinnedFile, now: datetime, report: BinReport) -> None:
        self.item, self.now, self.report = item, now, report
        self.leaving = item.state == State.LEAVING
        self.source, self.target = (item.origin, item.target) if self.leaving else (item.target, item.origin)

    def run(self) -> None:
        """Move the file, let its row follow, and write down that it has arrived."""
        method = link_method.method_in(TRASH)
        if is_lost(self):  # a reconcile says so; there is nothing left to move
            self.item.delete()
            self.report.gone += 1
            return
        if not is_linked(self):
            link_to_target(self, method)
        if complete(self, method):
            remove_empty_folders(self.source.rpartition("/")[0] if not self.leaving else "")

    def take_next_target(self) -> None:
        if self.leaving:
            self.target = self.item.target = free_name(self.target, "bin")
        else:
            self.target = self.item.origin = free_name(self.target, short_id(self.item.track))
        self.item.save(update_fields=["origin", "target"])

    def follow(self) -> bool:
        track, direction = self.item.track, "to the bin" if self.leaving else "back from the bin"
        place, source = Place.of(settings.MUSIC_DIR, self.target), absolute(self.source)
        wanted = False if self.leaving else track.wanted
        with contextlib.suppress(PlaceTaken):
            if transitions.move(track.pk, source, place, self.now, f"moved {direction}: {place.relative}", wanted):
                return True
            row = Track.objects.get(pk=track.pk)
            if row.local_path == place.path and row.status == Track.Status.DOWNLOADED:
                return True  # it had followed before the crash
            if row.status == Track.Status.MISSING and row.local_path in ("", source):
                # A reconcile came between the crash and us, and saw the old name gone.
                return transitions.adopt(row.pk, place, os.lstat(place.path).st_size, self.now, f"moved {direction}")
        return False

    def done(self) -> None:
        if self.leaving:
            BinnedFile.objects.filter(pk=self.item.pk).update(state=State.BINNED, moved_at=self.now)
            self.report.binned += 1
            return
        if self.item.track.wanted:
            self.item.delete()
        else:
            BinnedFile.objects.filter(pk=self.item.pk).update(state=State.KEPT)
        self.report.returned += 1

    def undone(self) -> None:
        self.item.state = State.ASKED if self.leaving else State.BINNED
        self.item.save(update_fields=["state"])
        self.report.left += 1
