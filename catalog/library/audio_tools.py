"""What a pass needs of a file's sound and names and cannot find out here: given by who runs it (`downloads`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings

from catalog.models import Track
from catalog.tags.audio_tags import FileTags
from catalog.tags.tag_cache import TaggedFile

MATROSKA = (".mka", ".mkv", ".webm")  # that mutagen does not read
READ_AT_ONCE = 200  # of one search: each takes some 0.1 s


@dataclass(frozen=True, slots=True)
class Names:
    """What a file says of its song; "", () and None are unknown."""

    title: str
    artists: tuple[str, ...] = ()
    album: str = ""
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AudioTools:
    """``find_by_sound`` (path of a file, ids of tracks): the track whose file sounded the same, None for none of them.

    ``is_whole`` (path): whether all that the file claims can be decoded. ``discard`` (track id, path): move the track's
    broken file to the trash; False where it stays. ``read_tags`` (path): what a container says that
    `catalog.tags.audio_tags` does not read. Paths are absolute. ``compare_names`` (track, names): how alike they are; 0
    is another recording, from 1 on nobody has to be asked. The track's album and artists are loaded.
    """

    find_by_sound: Callable[[str, Sequence[int]], int | None] = lambda path, track_ids: None
    is_whole: Callable[[str], bool] = lambda path: True
    discard: Callable[[int, str], bool] = lambda track_id, path: False
    read_tags: Callable[[str], FileTags | None] = lambda path: None
    compare_names: Callable[[Track, Names], float] = lambda track, names: 0.0

    def with_tags(self, files: Sequence[TaggedFile]) -> list[TaggedFile]:
        """The files, those in Matroska with their tags too."""
        unread = [file.relative for file in files if not file.tags and file.relative.lower().endswith(MATROSKA)]
        tags = {path: self.read_tags(os.path.join(settings.MUSIC_DIR, path)) for path in unread[:READ_AT_ONCE]}
        return [file._replace(tags=tags.get(file.relative, file.tags)) for file in files]


NO_TOOLS = AudioTools()
