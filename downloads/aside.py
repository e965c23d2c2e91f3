"""The file that a person wants another recording for: it stays until that one is proven, then goes to the bin.

The bin is ``<music>/.bin/<day>/``, with the file's place below it. Nothing in it is ever deleted by the program.
"""

from __future__ import annotations

import contextlib
import os
import stat
from datetime import datetime

from django.conf import settings

from catalog import naming, tags
from catalog.lifecycle import Place
from catalog.models import Track
from downloads import candidates, publish
from downloads.models import Candidate, Replaced, Sound

BIN = ".bin"


def gives_way(track: Track) -> bool:
    """Whether the file that this track had is to give way to a person's word: then it must not be adopted again."""
    if not track.replaced.exists():
        return False
    refused = Sound.objects.filter(track=track, candidate__verdict=Candidate.Verdict.NEVER)
    return candidates.chosen(track) is not None or refused.exists()


def old_file(track: Track) -> tuple[Place, int] | None:
    """The file that was to be replaced, where the choice was taken back since: its place and its bytes."""
    for row in track.replaced.order_by("-pk"):
        size = _size_of_ours(row, track)
        if size is not None:
            return Place.of(settings.MUSIC_DIR, os.path.relpath(row.path, settings.MUSIC_DIR)), size
    return None


def put_aside(track: Track, now: datetime) -> list[str]:
    """Move what this track's new recording replaces to the bin; the places there. OSError where the disk refuses.

    A file that has become another track's, or that is no longer what it was, stays where it is.
    """
    binned = []
    for row in track.replaced.order_by("pk"):
        if _size_of_ours(row, track) is not None:
            binned.append(_bin(row.path, now, publish.publish_method(publish.stage_folder(track))))
        row.delete()
    return binned


def _size_of_ours(row: Replaced, track: Track) -> int | None:
    """Bytes of the file as it was, None where it is not there or not this track's."""
    if not _is_inside(row.path) or Track.objects.filter(local_path=row.path).exists():
        return None
    try:
        found = os.lstat(row.path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    if found.st_size == row.size:
        return found.st_size
    said = tags.read_tags(row.path)  # somebody wrote other tags into it
    return found.st_size if said and track.spotify_id and track.spotify_id in said.spotify_ids else None


def _is_inside(path: str) -> bool:
    return os.path.normpath(path).startswith(settings.MUSIC_DIR.rstrip("/") + "/")


def _bin(path: str, now: datetime, method: str) -> str:
    """Give the file its name in the bin, then take its old one away. Nothing there is overwritten."""
    relative = os.path.relpath(path, settings.MUSIC_DIR)
    first = os.path.join(settings.MUSIC_DIR, BIN, f"{now:%Y-%m-%d}", relative)
    os.makedirs(os.path.dirname(first), mode=0o755, exist_ok=True)
    for attempt in range(publish.MOST_NAMES):
        target = naming.next_place(first, "bin", attempt)
        with contextlib.suppress(FileExistsError):
            move_file(path, target, method)
            return target
    raise FileExistsError(f"{first} and {publish.MOST_NAMES - 1} other names are taken")


def move_file(source: str, target: str, method: str) -> None:
    """Rename a file without ever overwriting. FileExistsError where ``target`` is taken.

    By a link and an unlink where the disk has links: a crash in between leaves two names, never none.
    """
    publish.put_in_place(source, target, method)
    if method == publish.LINK:
        os.unlink(source)
