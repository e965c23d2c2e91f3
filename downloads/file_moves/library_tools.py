"""What a pass over the music folder may ask about a file's sound and names, and do with a broken file."""

from __future__ import annotations

import os

from catalog.db import database_clock
from catalog.library.audio_tools import AudioTools, Names
from catalog.models import Track
from catalog.music.identity import same_length
from catalog.storage.own_folders import TRASH
from downloads.audio import fingerprint, matroska_tags, verify
from downloads.failures.kinds import DownloadError
from downloads.file_moves import superseded
from downloads.matching import score
from downloads.matching.features import SearchResult
from downloads.publishing import link_method
from downloads.search.candidates import query_for

BROKEN = {"bad_file", "too_short"}


def is_whole(path: str) -> bool:
    """Whether the file decodes to the length that it claims. True also where the tools cannot say."""
    try:
        verify.verify(path, None, None)
    except DownloadError as error:
        return error.kind not in BROKEN
    return True


def discard(track_id: int, path: str) -> bool:
    """Move a track's broken file to the trash, from where a person can take it back. False: it stays."""
    try:
        track, size = Track.objects.get(pk=track_id), os.stat(path).st_size
        superseded.to_trash(track, path, size, database_clock.now(), link_method.method_in(TRASH))
    except OSError:
        return False
    return True


def compare_names(track: Track, names: Names) -> float:
    """How well a file's names fit, as the matcher judges them; another length is not theirs to judge."""
    length = names.duration_ms if same_length(track.duration_ms, names.duration_ms) else None
    result = SearchResult("", names.title, names.artists, names.album, length, kind="file")
    scored = score.score(query_for(track), result)
    return 0.0 if scored.vetoed else scored.score / score.THRESHOLD


TOOLS = AudioTools(fingerprint.find_track, is_whole, discard, matroska_tags.read_tags, compare_names)
