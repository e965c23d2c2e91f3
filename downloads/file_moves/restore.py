"""Restore a superseded recording from the trash: it is the song's file again, and the other one goes to the trash.

A page only writes down the wish; `downloads.file_moves.trash.process_trash_requests` moves the files. At every moment
the track's row names a file that is there: the present one goes to the trash with its row, then the former one takes
its old place, then the row changes over to it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from catalog.models import BinnedFile, Event, Track
from catalog.storage.own_folders import TRASH, remove_empty_folders
from catalog.system.atomic_files import file_size
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken
from downloads.file_moves import superseded
from downloads.file_moves.journaled_move import (
    JournaledMove,
    absolute,
    complete,
    is_linked,
    is_lost,
    link_to_target,
)
from downloads.models import AudioFile, Candidate, FingerprintHash, FormerFile, WrittenTags
from downloads.publishing.target_path import free_name, short_id

State, Status, Verdict = FormerFile.State, Track.Status, Candidate.Verdict
RETURNED, GONE, LEFT = "returned", "gone", "left"

logger = logging.getLogger(__name__)


def ask_back(files: Iterable[int], now: datetime, by: str) -> int:
    """A person wants these former files to be their songs' again; one for each song. How many are to come back.

    What was said against them falls, and so does the choice of another recording: else the next fetch would undo it.
    """
    count = 0
    for item in FormerFile.objects.filter(pk__in=list(files), state=State.BINNED, track__wanted=True).order_by("pk"):
        with transaction.atomic():
            track = Track.objects.select_for_update().get(pk=item.track_id)
            if track.former_files.filter(state=State.RETURNING).exists():
                continue
            count += FormerFile.objects.filter(pk=item.pk, state=State.BINNED).update(state=State.RETURNING)
            Candidate.objects.filter(track=track, verdict=Verdict.CHOSEN).update(verdict=Verdict.OPEN, why="")
            Candidate.objects.filter(pk=item.candidate_id or 0).update(verdict=Verdict.OPEN, why="")
            Event.objects.record([track.pk], Event.Kind.DECIDE, f"the former file again: {item.origin}", now, by)
    return count


def waiting() -> list[int]:
    """The rows that a pass has to see to."""
    return list(FormerFile.objects.exclude(state=State.BINNED).order_by("pk").values_list("pk", flat=True))


def see_through(pk: int, now: datetime, method: str) -> str:
    """Bring one file back, from wherever a crash left it: RETURNED, GONE, LEFT (tried again), "" (nothing to do)."""
    item = FormerFile.objects.select_related("track__folder").filter(pk=pk).first()
    if item is None or item.track.status == Status.DOWNLOADING:
        return LEFT if item and item.state == State.RETURNING else ""  # its worker sees to its own
    try:
        if item.state == State.LEAVING:
            superseded.settle([item], now)
            return ""
        return _bring_back(item, now, method)
    except OSError as error:
        logger.warning("The former file of track %s cannot be brought back: %s", item.track_id, error.strerror)
        return LEFT


class RestoreMove(JournaledMove):
    """A former file on its way back to its old place, or to the next name that is free there."""

    linked_point, followed_point = "former_back", "former_followed"

    def __init__(self, item: FormerFile, now: datetime) -> None:
        self.item, self.now = item, now
        self.source, self.target, self.size = item.target, item.origin, item.size

    def take_next_target(self) -> None:
        self.target = self.item.origin = free_name(self.target, short_id(self.item.track), self.item.track_id)
        self.item.save(update_fields=["origin"])

    def follow(self) -> bool:
        track, place = self.item.track, Place.of(settings.MUSIC_DIR, self.target)
        with contextlib.suppress(PlaceTaken), transaction.atomic():
            if track.status == Status.DOWNLOADED and track.local_path != place.path:
                transitions.replace(track.pk, track.local_path, self.now, "the former file is used again")
            names_it = Track.objects.filter(pk=track.pk, status=Status.DOWNLOADED, local_path=place.path).exists()
            if not names_it and not transitions.adopt(track.pk, place, self.item.size, self.now, "back from the bin"):
                raise PlaceTaken(place.relative)
            AudioFile.objects.filter(track=track).delete()  # what was proven of the other one
            FingerprintHash.objects.filter(track=track).delete()
            WrittenTags.objects.filter(track=track).delete()
            return True
        return False

    def companions(self) -> list[tuple[str, str]]:
        """They stand where the file was that gave way to this one."""
        gave_way = self.item.track.former_files.filter(state=State.BINNED).order_by("-pk").first()
        return [(gave_way.origin, self.target)] if gave_way else []

    def done(self) -> None:
        self.item.delete()
        remove_empty_folders(self.source.rpartition("/")[0])

    def undone(self) -> None:
        """The file is in the trash as before, and is tried again."""


def _bring_back(item: FormerFile, now: datetime, method: str) -> str:
    if not item.track.wanted or BinnedFile.objects.filter(track=item.track).exclude(state="kept").exists():
        return LEFT
    move = RestoreMove(item, now)
    if is_lost(move):
        item.delete()
        return GONE
    linked = is_linked(move)
    if not _make_way(item.track, absolute(move.target) if linked else "", now, method):
        return LEFT
    if not linked:
        # The row of this track may name the place still, with no file there: the name is its own.
        move.take_next_target()
        link_to_target(move, method)
    return RETURNED if complete(move, method) else LEFT


def _make_way(track: Track, ours: str, now: datetime, method: str) -> bool:
    """Move what the track has now to the trash. False: its row is not what the disk says; a reconcile mends that."""
    if track.status == Status.MISSING:
        superseded.move_to_trash(track, now)
        return True
    if track.local_path == ours or track.local_path.startswith(absolute(TRASH) + "/"):
        return True
    size = file_size(track.local_path)
    if size is None:
        return False

    def follow(place: Place) -> bool:
        try:
            return transitions.move(track.pk, track.local_path, place, now, f"moved to the bin: {place.relative}")
        except PlaceTaken:
            return False

    superseded.to_trash(track, track.local_path, size, now, method, follow)
    track.refresh_from_db()
    return True
