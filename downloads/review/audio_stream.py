"""The sound of a track for a person's ears: the file in the library, or the one that is just being fetched.

Nothing of the request becomes a path: the row says where the file is, and what it says is opened only if it is a
regular file inside the music folder, whatever links lead there.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from catalog.models import Track
from downloads.publishing import staging

BLOCK = 65_536  # bytes handed to the server at a time
# What browsers are told of a file, by its ending; all else is not served.
TYPES = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "mp4": "audio/mp4",
    "opus": "audio/ogg",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "aiff": "audio/aiff",
    "aif": "audio/aiff",
}


class NoSound(Exception):
    """There is nothing to listen to; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file, its size in bytes and what a browser is told it is. Whoever gets it closes ``fd``."""

    fd: int
    size: int
    media_type: str


def opened(track: Track) -> Opened:
    """The track's file in the library or, while it is fetched, in its stage. NoSound where there is none to serve."""
    path = _path_of(track)
    kind = TYPES.get(path.rpartition(".")[2].lower())
    if not kind:
        raise NoSound("There is no file of this song yet, or none that a browser plays.")
    try:
        # Not blocking: the name may be a pipe's. Not through a link: it may lead anywhere.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise NoSound("The file is not there, or cannot be read.") from error
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or not _is_inside(path):
        os.close(fd)
        raise NoSound("What stands at this place is not the song's file.")
    return Opened(fd, status.st_size, kind)


def _path_of(track: Track) -> str:
    if track.status == Track.Status.DOWNLOADED:
        return track.local_path
    if track.status != Track.Status.DOWNLOADING or not track.claim:
        return ""
    stage = staging.stage_folder(track)
    try:
        names = [name for name in os.listdir(stage) if not name.startswith(".")]
    except OSError:
        return ""
    return os.path.join(stage, names[0]) if len(names) == 1 else ""


def _is_inside(path: str) -> bool:
    root = os.path.realpath(settings.MUSIC_DIR)
    return os.path.realpath(path).startswith(root.rstrip("/") + "/")


def span_of(header: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte that a Range header asks for; None where it asks for all.

    One range only, as players ask for it; several count as none (RFC 9110 14.2 lets a server ignore them).
    ValueError where the range lies outside the file.
    """
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if match is None or match[0].endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last or size - 1), size - 1)
        if last and int(last) < int(first):
            return None  # it is no range at all
    if start > end:
        raise ValueError("The file is shorter than that.")
    return start, end


def blocks(fd: int, first: int, last: int) -> Iterator[bytes]:
    """The bytes ``first`` to ``last`` of an open file, which is closed at the end, also when the listener leaves."""
    try:
        while first <= last:
            block = os.pread(fd, min(BLOCK, last - first + 1), first)
            if not block:
                return
            first += len(block)
            yield block
    finally:
        os.close(fd)
