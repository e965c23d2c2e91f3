"""What a pass needs to know of a file's sound, and cannot find out here: given by who runs it (`downloads`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AudioTools:
    """``find_by_sound`` (path of a file, ids of tracks): the track whose file sounded the same, None for none of them.

    ``is_whole`` (path): whether all that the file claims can be decoded. ``discard`` (track id, path): move the track's
    broken file to the trash; False where it stays. Paths are absolute.
    """

    find_by_sound: Callable[[str, Sequence[int]], int | None] = lambda path, track_ids: None
    is_whole: Callable[[str], bool] = lambda path: True
    discard: Callable[[int, str], bool] = lambda track_id, path: False


NO_TOOLS = AudioTools()
