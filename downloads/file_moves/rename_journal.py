"""One file gets another name in the library, without ever overwriting, and finishes what a crash interrupted.

Where the disk has links the file has two names for a moment, else it is renamed: it is never nowhere. Its journal row
(`Move`) is written first and the track's row in between, so that whoever comes after a crash can tell how far it got.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from datetime import datetime

from django.conf import settings

from catalog.models import Track
from catalog.system.failpoints import failpoint
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken
from downloads.models import Move, MoveBatch
from downloads.publishing import publish

Status = Track.Status


def path_of(relative: str) -> str:
    """The absolute path of a place."""
    return os.path.join(settings.MUSIC_DIR, relative)


def method() -> str:
    """How this library puts files in place. Makes the folder for unfinished files, where that is found out."""
    folder = path_of(publish.INCOMING)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    return publish.publish_method(folder)


def make_folders(relative: str) -> None:
    """Make a folder of the library and those above it, as other players may read them."""
    if not os.path.isdir(settings.MUSIC_DIR):
        # Else a second library would grow under the mount point of a drive that has just gone.
        raise FileNotFoundError(errno.ENOENT, "The music folder is gone", settings.MUSIC_DIR)
    path = settings.MUSIC_DIR
    for name in relative.split("/") if relative else ():
        path = os.path.join(path, name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
            with contextlib.suppress(OSError):  # some disks know no modes
                os.chmod(path, 0o777 & ~settings.MUSIC_UMASK)


def remove_empty_folders(relative: str) -> None:
    """Remove a folder that its last file has left, and those above it; one that holds anything stays."""
    while relative:
        try:
            os.rmdir(path_of(relative))
        except OSError:
            return
        relative = relative.rpartition("/")[0]


def rename_track(batch: MoveBatch, track: Track, target: str, how: str, now: datetime) -> bool:
    """Move a track's file to ``target``. False: its row says something else by now, and nothing was changed.

    Raises PlaceTaken or FileExistsError where the name is taken, OSError where the disk refuses; the file is then
    where it was.
    """
    origin, size = _relative(track.local_path), track.size or 0
    place = Place.of(settings.MUSIC_DIR, target)
    make_folders(place.folder)
    row = Move.objects.create(batch=batch, track=track, origin=origin, target=target, size=size)
    failpoint("move_written")
    try:
        publish.put_in_place(track.local_path, place.path, how)
    except OSError:
        row.delete()
        raise
    failpoint("move_linked")
    try:
        named = transitions.move(track.pk, track.local_path, place, now, f"from {origin}")
    except PlaceTaken:
        _take_name_back(row)
        raise
    if not named:
        _take_name_back(row)
        return False
    failpoint("move_named")
    _end(row)
    return True


def rename_companion(batch: MoveBatch, origin: str, target: str, how: str) -> bool:
    """Move a picture or lyrics along with a track. False: there is none, or the name there is taken."""
    if _regular(path_of(origin)) is None or os.path.lexists(path_of(target)):
        return False
    row = Move.objects.create(batch=batch, origin=origin, target=target, size=0)
    try:
        publish.put_in_place(path_of(origin), path_of(target), how)
    except OSError:
        row.delete()
        return False
    _end(row)
    return True


def _relative(path: str) -> str:
    return os.path.relpath(path, settings.MUSIC_DIR)


def _end(row: Move) -> None:
    """The row names the new place: the old name goes, where there still is one."""
    if _same_file(row):
        os.unlink(path_of(row.origin))
    Move.objects.filter(pk=row.pk).update(state=Move.State.MOVED)


def _take_name_back(row: Move) -> None:
    """The new name is not to be: the file keeps the old one."""
    origin, target = path_of(row.origin), path_of(row.target)
    if _same_file(row):
        os.unlink(target)
    elif _regular(origin) is None:
        os.rename(target, origin)
    row.delete()


def _same_file(row: Move) -> bool:
    """Whether both names are one file's: two links to it, not one name that the disk spells in two ways."""
    origin, target = _regular(path_of(row.origin)), _regular(path_of(row.target))
    return origin is not None and target is not None and os.path.samestat(origin, target) and origin.st_nlink > 1


def _regular(path: str) -> os.stat_result | None:
    """The regular file at ``path``; None where there is none. OSError where that cannot be known."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


# --- After a crash ----------------------------------------------------------------------------------------


def finish(row: Move, now: datetime) -> None:
    """Finish or take back a move that was interrupted, whatever it had come to."""
    origin, target = _regular(path_of(row.origin)), _regular(path_of(row.target))
    if row.track is None:
        if target is not None and (origin is None or _same_file(row)):
            _end(row)
        else:
            row.delete()
    elif row.track.local_path == path_of(row.target) and row.track.status == Status.DOWNLOADED:
        _end(row)
    elif _same_file(row) or (origin is None and target is not None and target.st_size == row.size):
        _finish_named(row, now)
    else:
        row.delete()  # nothing had happened yet


def _finish_named(row: Move, now: datetime) -> None:
    """The file has its new name and the track's row does not say so yet."""
    track = row.track
    assert track is not None
    place = Place.of(settings.MUSIC_DIR, row.target)
    reason = f"from {row.origin}, finished after a crash"
    try:
        named = transitions.move(track.pk, path_of(row.origin), place, now, reason)
        gone = track.local_path == path_of(row.origin) and track.status == Status.MISSING
        # A pass may have missed it at its old place meanwhile.
        named = named or (gone and transitions.adopt(track.pk, place, row.size, now, reason))
    except PlaceTaken:
        named = False
    if named:
        _end(row)
    else:
        _take_name_back(row)
