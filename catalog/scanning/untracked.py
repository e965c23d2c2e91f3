"""Audio files in the music folder that no row of the catalog names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings

from catalog.db.id_sets import id_subquery
from catalog.models import Folder, Track
from catalog.models.settings import value
from catalog.music.path_template import path_key
from catalog.scanning import ignored
from catalog.tags.tag_cache import TagReader

EXTENSIONS = ["mp3", "m4a", "m4b", "mp4", "aac", "opus", "ogg", "oga", "flac", "wav", "aiff", "aif", "wma", "wv", "ape"]
EXTENSIONS += ["mka", "webm", "dsf", "dff", "mpc", "tta"]
AUDIO = tuple(f".{extension}" for extension in EXTENSIONS)


def audio_files(start: str = "") -> Iterator[str]:
    """Relative paths of audio files below ``start``, folder by folder, without links and what `ignored` lists."""
    folders, own = [start], value("IGNORED_FOLDERS")
    if start and ignored.is_own(start, own):
        return
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(os.path.join(settings.MUSIC_DIR, folder)), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            relative = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if not ignored.is_ignored_folder(relative, own):
                    folders.append(relative)
            elif is_audio(entry.name) and entry.is_file(follow_symlinks=False):
                yield relative


def is_audio(name: str) -> bool:
    """Whether a file of this name may be somebody's song."""
    return name.lower().endswith(AUDIO) and not ignored.is_ignored_file(name)


def unknown(relatives: list[str]) -> list[str]:
    """Those that no downloaded or reserving row names. A name that is no text is nobody's: no row can hold it."""
    paths = {os.path.join(settings.MUSIC_DIR, relative): relative for relative in relatives if is_text(relative)}
    keys = {path_key(relative.rpartition("/")[0]) for relative in paths.values()}
    folders = Folder.objects.filter(key__in=keys).values_list("pk", flat=True)
    tracks = Track.objects.filter(folder_id__in=id_subquery(folders)).exclude(status=Track.Status.MISSING)
    taken = set(tracks.values_list("local_path", flat=True))
    return [relative for path, relative in paths.items() if path not in taken]


def tag_reader(now: datetime) -> TagReader:
    """A reader of files in the music folder, with the installation's cache of what it has read before."""
    return TagReader(settings.MUSIC_DIR, cache_path(), int(now.timestamp() * 1_000_000_000))


def cache_path() -> str:
    """The cache of `catalog.tags.tag_cache`."""
    return str(Path(settings.DATA_DIR) / "tags-cache.sqlite3")


def is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False
    return True
