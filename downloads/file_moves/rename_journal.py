"""Tracks' files and what lies beside them get other names in the library, by rows of `downloads.models.Move`."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from catalog.models import Track
from catalog.storage.own_folders import STAGING
from catalog.system.atomic_files import file_at
from catalog.system.failpoints import failpoint
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken, relative_path
from downloads.file_moves.journaled_move import JournaledMove, absolute, complete, is_linked, link_to_target
from downloads.models import Move, MoveBatch
from downloads.publishing import link_method

Status = Track.Status


class RenameMove(JournaledMove):
    """A move within the library. The picture of a folder has no row that follows."""

    def __init__(self, row: Move, now: datetime, reason: str) -> None:
        self.row, self.now, self.reason = row, now, reason
        self.source, self.target, self.size = row.origin, row.target, row.size or None

    def has_followed(self) -> bool:
        """Whether the track's row names the target already."""
        track = self.row.track
        return bool(track and track.local_path == absolute(self.target) and track.status == Status.DOWNLOADED)

    def follow(self) -> bool:
        track = self.row.track
        if track is None or self.has_followed():
            return True
        place, old = Place.of(settings.MUSIC_DIR, self.target), absolute(self.source)
        if transitions.move(track.pk, old, place, self.now, self.reason):
            return True
        # A pass may have missed the file at its old place meanwhile.
        missed = track.local_path == old and track.status == Status.MISSING
        return missed and transitions.adopt(track.pk, place, self.row.size, self.now, self.reason)

    def done(self) -> None:
        Move.objects.filter(pk=self.row.pk).update(state=Move.State.MOVED)

    def undone(self) -> None:
        self.row.delete()


def rename_method() -> str:
    """How this library puts files in place."""
    return link_method.method_in(STAGING)


def rename_track(batch: MoveBatch, track: Track, target: str, method: str, now: datetime) -> bool:
    """Move a track's file to ``target``. False: its row says something else by now, and nothing was changed.

    Raises PlaceTaken or FileExistsError where the name is taken, OSError where the disk refuses; the file is then
    where it was.
    """
    origin = relative_path(track.local_path)
    target = Place.of(settings.MUSIC_DIR, target).relative
    row = Move.objects.create(batch=batch, track=track, origin=origin, target=target, size=track.size or 0)
    failpoint("move_written")
    move = RenameMove(row, now, f"from {origin}")
    try:
        link_to_target(move, method)
    except OSError:
        row.delete()
        raise
    try:
        return complete(move, method)
    except PlaceTaken:
        row.delete()
        raise


def rename_picture(batch: MoveBatch, origin: str, target: str, method: str, now: datetime) -> bool:
    """Move a folder's picture along with its songs. False: there is none, or the name there is taken."""
    if file_at(absolute(origin)) is None:
        return False
    row = Move.objects.create(batch=batch, origin=origin, target=target, size=0)
    move = RenameMove(row, now, "")
    try:
        link_to_target(move, method)
    except OSError:
        row.delete()
        return False
    return complete(move, method)


def finish(row: Move, now: datetime) -> None:
    """Finish or take back a move that was interrupted, whatever it had come to."""
    move = RenameMove(row, now, f"from {row.origin}, finished after a crash")
    if not (move.has_followed() or is_linked(move)):
        row.delete()  # nothing had happened yet
        return
    try:
        complete(move, rename_method())
    except PlaceTaken:
        row.delete()
