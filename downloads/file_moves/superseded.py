"""The file that a person wants another recording for: it stays until that one is proven, then goes to the bin.

The bin is ``<music>/.bin/<day>/``, with the file's place below it. Nothing in it is ever deleted by the program.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from datetime import datetime

from django.conf import settings

from catalog.models import Track
from catalog.music import path_template
from catalog.system.failpoints import failpoint
from catalog.tags import audio_tags
from catalog.tracks.place import Place
from downloads.models import AudioFile, Candidate, FormerFile, Replaced
from downloads.publishing import publish
from downloads.publishing.link_method import file_at
from downloads.search import candidates

BIN = ".bin"


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
            return Place.of(settings.MUSIC_DIR, os.path.relpath(row.path, settings.MUSIC_DIR)), size
    return None


def move_to_trash(track: Track, now: datetime) -> list[str]:
    """Move what this track's new recording replaces to the bin; the places there. OSError where the disk refuses.

    A file that has become another track's, or that is no longer what it was, stays where it is.
    """
    settle(track.former_files.filter(state=FormerFile.State.LEAVING), now)
    binned = []
    for row in track.replaced.order_by("pk"):
        size = _size_of_ours(row, track)
        if size is not None:
            binned.append(to_bin(track, row.path, size, now, publish.publish_method(publish.stage_folder(track))))
        row.delete()
    return binned


def to_bin(
    track: Track, path: str, size: int, now: datetime, method: str, follow: Callable[[Place], bool] = lambda place: True
) -> str:
    """Give a track's file its name in the bin, then take its old one away; the place there. Nothing is overwritten.

    Written down first (`FormerFile`), so that it can be listed and comes back. Between the two names ``follow`` lets a
    row go along; where it says False the file is where it was, and FileNotFoundError says so.
    """
    origin = os.path.relpath(path, settings.MUSIC_DIR)
    sound = AudioFile.objects.filter(track=track).first()
    item = FormerFile(track=track, origin=origin, size=size, candidate=sound.candidate if sound else None)
    for _ in range(publish.MOST_NAMES):
        item.target = free_name(f"{BIN}/{now:%Y-%m-%d}/{origin}", "bin")
        item.save()
        failpoint("former_noted")
        place = Place.of(settings.MUSIC_DIR, item.target)
        os.makedirs(os.path.dirname(place.path), mode=0o777 & ~settings.MUSIC_UMASK, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            publish.put_in_place(path, place.path, method)
            break
    else:
        item.delete()
        raise FileExistsError(17, f"{publish.MOST_NAMES} names are taken", origin)
    failpoint("former_moved")
    if not follow(place):
        undo_link(place.path, path, method)
        item.delete()
        raise FileNotFoundError(2, "the row says something else by now", path)
    remove_name(path, place.path)
    item.state, item.moved_at = FormerFile.State.BINNED, now
    item.save()
    return place.path


def settle(items: Iterable[FormerFile], now: datetime) -> None:
    """See to what a crash left on its way to the bin: it is there, or the song has it still, or nothing was moved."""
    for item in items:
        source, target = (os.path.join(settings.MUSIC_DIR, name) for name in (item.origin, item.target))
        here, there = file_at(source), file_at(target)
        same = here is not None and there is not None and os.path.samestat(here, there)
        if there is None or (here is not None and not same):
            item.delete()
        elif same and Track.objects.filter(local_path=source).exists():
            os.unlink(target)
            item.delete()
        else:
            remove_name(source, target)
            item.state, item.moved_at = FormerFile.State.BINNED, now
            item.save()


def _size_of_ours(row: Replaced, track: Track) -> int | None:
    """Bytes of the file as it was, None where it is not there or not this track's."""
    if not _is_inside(row.path) or Track.objects.filter(local_path=row.path).exists():
        return None
    found = file_at(row.path)
    if found is None:
        return None
    if found.st_size == row.size:
        return found.st_size
    said = audio_tags.read_tags(row.path)  # somebody wrote other tags into it
    return found.st_size if said and track.spotify_id and track.spotify_id in said.spotify_ids else None


def _is_inside(path: str) -> bool:
    return os.path.normpath(path).startswith(settings.MUSIC_DIR.rstrip("/") + "/")


def free_name(first: str, short_id: str, track_id: int | None = None) -> str:
    """``first``, or the next name that neither a file nor a row other than ``track_id`` has.

    Raises FileExistsError where all are taken.
    """
    for attempt in range(publish.MOST_NAMES):
        place = Place.of(settings.MUSIC_DIR, path_template.next_place(first, short_id, attempt)).in_known_folder()
        rows = Track.objects.filter(
            folder__key=path_template.path_key(place.folder), name_key=path_template.path_key(place.file_name)
        )
        if not os.path.lexists(place.path) and not rows.exclude(pk=track_id).exists():
            return place.relative
    raise FileExistsError(17, f"{publish.MOST_NAMES} names are taken", first)


def remove_name(old: str, new: str) -> None:
    """A link gave the file its new name: the old one goes, if it still is a name of the same file."""
    here, there = file_at(old), file_at(new)
    if here and there and os.path.samestat(here, there):
        os.unlink(old)


def undo_link(new: str, old: str, method: str) -> None:
    """The row did not follow: the file is to have its old name alone."""
    if file_at(old) is None:
        publish.put_in_place(new, old, method)
    remove_name(new, old)


def clear_folders(folder: str) -> None:
    """Remove folders of the bin that are empty now."""
    top = os.path.join(settings.MUSIC_DIR, BIN)
    with contextlib.suppress(OSError):
        while folder.startswith(f"{top}/"):
            os.rmdir(folder)
            folder = os.path.dirname(folder)
