"""The way back of a file that gave way to another recording: it is the song's again, and the other one goes to the bin.

A page only writes down the wish; `downloads.file_moves.trash.process_trash_requests` moves the files. The track's row
names a file that is there at every moment: the present one goes to the bin with its row, then the former one takes its
old place, then the row changes over to it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from catalog.models import BinnedFile, Event, Track
from catalog.system.failpoints import failpoint
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken
from downloads.file_moves import superseded
from downloads.models import AudioFile, Candidate, FingerprintHash, FormerFile
from downloads.publishing import publish
from downloads.publishing.link_method import file_at

State, Verdict = FormerFile.State, Candidate.Verdict
RETURNED, GONE, LEFT = "returned", "gone", "left"

logger = logging.getLogger(__name__)


def ask_back(files: Iterable[int], now: datetime, by: str) -> int:
    """A person wants these former files to be their songs' again; one for each song. How many are to come back.

    What was said against them falls, and so does the choice of another recording: else the next fetch would undo it.
    """
    asked = 0
    for item in FormerFile.objects.filter(pk__in=list(files), state=State.BINNED, track__wanted=True).order_by("pk"):
        with transaction.atomic():
            track = Track.objects.select_for_update().get(pk=item.track_id)
            if track.former_files.filter(state=State.RETURNING).exists():
                continue
            asked += FormerFile.objects.filter(pk=item.pk, state=State.BINNED).update(state=State.RETURNING)
            Candidate.objects.filter(track=track, verdict=Verdict.CHOSEN).update(verdict=Verdict.OPEN, why="")
            Candidate.objects.filter(pk=item.candidate_id or 0).update(verdict=Verdict.OPEN, why="")
            Event.objects.record([track.pk], Event.Kind.DECIDE, f"the former file again: {item.origin}, by {by}", now)
    return asked


def waiting() -> list[int]:
    """The rows that a pass has to see to."""
    return list(FormerFile.objects.exclude(state=State.BINNED).order_by("pk").values_list("pk", flat=True))


def see_through(pk: int, now: datetime, method: str) -> str:
    """Bring one file back, from wherever a crash left it: RETURNED, GONE, LEFT (tried again), "" (nothing to do)."""
    item = FormerFile.objects.select_related("track__folder").filter(pk=pk).first()
    if item is None or item.track.status == Track.Status.DOWNLOADING:
        return LEFT if item and item.state == State.RETURNING else ""  # its worker sees to its own
    try:
        if item.state == State.LEAVING:
            superseded.settle([item], now)
            return ""
        return _bring_back(item, now, method)
    except OSError as error:
        logger.warning("The former file of track %s cannot be brought back: %s", item.track_id, error.strerror)
        return LEFT


def _bring_back(item: FormerFile, now: datetime, method: str) -> str:
    if not item.track.wanted or BinnedFile.objects.filter(track=item.track).exclude(state="kept").exists():
        return LEFT
    source, wished = _path(item.target), _path(item.origin)
    here, there = file_at(source), file_at(wished)
    moved = there is not None and there.st_size == item.size and (here is None or os.path.samestat(here, there))
    if here is None and not moved:
        item.delete()
        return GONE
    if not _make_way(item.track, wished if moved else "", now, method):
        return LEFT
    if not moved:
        _put_back(item, method)
    return RETURNED if _change_over(item, now, method) else LEFT


def _make_way(track: Track, ours: str, now: datetime, method: str) -> bool:
    """Put aside what the track has now. False: its row is not what the disk says; a reconcile sees to that first."""
    if track.status == Track.Status.MISSING:
        superseded.move_to_trash(track, now)
        return True
    if track.local_path == ours or track.local_path.startswith(_path(superseded.BIN) + "/"):
        return True
    size = publish.regular_size(track.local_path)
    if size is None:
        return False

    def follow(place: Place) -> bool:
        try:
            return transitions.move(track.pk, track.local_path, place, now, f"moved to the bin: {place.relative}")
        except PlaceTaken:
            return False

    superseded.to_bin(track, track.local_path, size, now, method, follow)
    track.refresh_from_db()
    return True


def _put_back(item: FormerFile, method: str) -> None:
    """Give the file its old name again, or the next one that is free; written down first."""
    for _ in range(publish.MOST_NAMES):
        item.origin = superseded.free_name(item.origin, publish.short_id(item.track), item.track_id)
        item.save(update_fields=["origin"])
        os.makedirs(os.path.dirname(_path(item.origin)), mode=0o777 & ~settings.MUSIC_UMASK, exist_ok=True)
        try:
            publish.put_in_place(_path(item.target), _path(item.origin), method)
        except FileExistsError:
            continue
        failpoint("former_back")
        return
    raise FileExistsError(17, f"{publish.MOST_NAMES} names are taken", item.origin)


def _change_over(item: FormerFile, now: datetime, method: str) -> bool:
    """The row names the former file from now on. False: somebody was first, and the file is in the bin as before."""
    track, place = item.track, Place.of(settings.MUSIC_DIR, item.origin)
    try:
        with transaction.atomic():
            if track.status == Track.Status.DOWNLOADED and track.local_path != place.path:
                transitions.replace(track.pk, track.local_path, now, "the former file is to take its place again")
            is_ours = Track.objects.filter(pk=track.pk, status="downloaded", local_path=place.path).exists()
            if not is_ours and not transitions.adopt(track.pk, place, item.size, now, "back from the bin"):
                raise PlaceTaken(place.relative)
            AudioFile.objects.filter(track=track).delete()  # what was proven of the other one
            FingerprintHash.objects.filter(track=track).delete()
    except PlaceTaken:
        superseded.undo_link(place.path, _path(item.target), method)
        return False
    failpoint("former_followed")
    target = _path(item.target)
    superseded.remove_name(target, place.path)
    item.delete()
    superseded.clear_folders(os.path.dirname(target))
    return True


def _path(relative: str) -> str:
    return os.path.join(settings.MUSIC_DIR, relative)
