"""Move the file that a person wants another recording for to the trash, once that recording is proven."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from datetime import datetime

from django.conf import settings

from catalog.models import Track
from catalog.storage.own_folders import TRASH
from catalog.system.atomic_files import file_size
from catalog.system.failpoints import failpoint
from catalog.tags import tag_process
from catalog.tracks.place import Place, relative_path
from downloads.file_moves.journaled_move import JournaledMove, absolute, complete, is_linked, link_to_target
from downloads.models import AudioFile, Candidate, FormerFile, Replaced
from downloads.publishing import link_method
from downloads.publishing.target_path import free_name
from downloads.search import candidates


def must_be_replaced(track: Track) -> bool:
    """Whether the file that this track had is to give way to a person's word: then it must not be adopted again."""
    if not track.replaced.exists():
        return False
    refused = AudioFile.objects.filter(track=track, candidate__verdict=Candidate.Verdict.NEVER)
    return candidates.chosen(track) is not None or refused.exists()


def old_file(track: Track) -> tuple[Place, int] | None:
    """The file that was to be replaced, where the choice was taken back since: its place and its bytes."""
    for row in track.replaced.order_by("-pk"):
        size = _size_of_ours(row, track)
        if size is not None:
            return Place.of(settings.MUSIC_DIR, relative_path(row.path)), size
    return None


def move_to_trash(track: Track, now: datetime) -> list[str]:
    """Move what this track's new recording replaces to the trash; the places there. OSError where the disk refuses.

    A file that has become another track's, or that is no longer what it was, stays where it is.
    """
    settle(track.former_files.filter(state=FormerFile.State.LEAVING), now)
    moved = []
    for row in track.replaced.order_by("pk"):
        size = _size_of_ours(row, track)
        if size is not None:
            moved.append(to_trash(track, row.path, size, now, link_method.method_in(TRASH)))
        row.delete()
    return moved


class SupersededMove(JournaledMove):
    """A former file on its way to the trash. ``follow_row`` lets the track's row go along, where it names this file."""

    linked_point, followed_point = "former_moved", "former_left"

    def __init__(self, item: FormerFile, now: datetime, follow_row: Callable[[Place], bool]) -> None:
        self.item, self.now, self.follow_row = item, now, follow_row
        self.source, self.target = item.origin, item.target

    def take_next_target(self) -> None:
        self.target = self.item.target = free_name(self.target, "bin")
        self.item.save(update_fields=["target"])

    def follow(self) -> bool:
        return self.follow_row(Place.of(settings.MUSIC_DIR, self.target))

    def companions(self) -> list[tuple[str, str]]:
        """They are the song's, not the recording's: they go to where its file is now, else they stay where they are."""
        track = Track.objects.filter(pk=self.item.track_id, status=Track.Status.DOWNLOADED).first()
        place = relative_path(track.local_path) if track else ""
        return [(self.source, place)] if place and not place.startswith(f"{TRASH}/") else []

    def done(self) -> None:
        self.item.state, self.item.moved_at = FormerFile.State.BINNED, self.now
        self.item.save()

    def undone(self) -> None:
        self.item.delete()


def to_trash(
    track: Track, path: str, size: int, now: datetime, method: str, follow_row: Callable[[Place], bool] | None = None
) -> str:
    """Move a track's file to the trash; the place there. Nothing is overwritten.

    ``follow_row`` lets the track's row go along. FileNotFoundError: it did not, and the file is where it was.
    """
    origin = relative_path(path)
    sound = AudioFile.objects.filter(track=track).first()
    item = FormerFile(track=track, origin=origin, size=size, candidate=sound.candidate if sound else None)
    item.target = free_name(f"{TRASH}/{now:%Y-%m-%d}/{origin}", "bin")
    item.save()
    failpoint("former_noted")
    move = SupersededMove(item, now, follow_row or (lambda place: True))
    try:
        link_to_target(move, method)
    except FileExistsError:
        item.delete()
        raise
    if not complete(move, method):
        raise FileNotFoundError(errno.ENOENT, "The song's row names another file by now", path)
    return absolute(move.target)


def settle(items: Iterable[FormerFile], now: datetime) -> None:
    """Finish what a crash left on its way to the trash: it is there, or the song has it still, or nothing was moved."""
    for item in items:

        def is_released(place: Place, origin: str = item.origin) -> bool:
            return not Track.objects.filter(local_path=absolute(origin)).exists()

        move = SupersededMove(item, now, is_released)
        if is_linked(move):
            complete(move, link_method.method_in(TRASH))
        else:
            item.delete()


def _size_of_ours(row: Replaced, track: Track) -> int | None:
    """Bytes of the file as it was, None where it is not there or not this track's."""
    if not _is_inside(row.path) or Track.objects.filter(local_path=row.path).exists():
        return None
    size = file_size(row.path)
    if size is None or size == row.size:
        return size
    tags = tag_process.read_tags(row.path)  # somebody wrote other tags into it
    return size if tags and track.spotify_id and track.spotify_id in tags.spotify_ids else None


def _is_inside(path: str) -> bool:
    return os.path.normpath(path).startswith(settings.MUSIC_DIR.rstrip("/") + "/")
