"""Audio files in the music folder that no row of the catalog names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings

from catalog.db.batches import batched
from catalog.models.settings import value
from catalog.scanning import folder_index, ignored
from catalog.tags.tag_cache import TagReader

EXTENSIONS = ["mp3", "m4a", "m4b", "mp4", "aac", "opus", "ogg", "oga", "flac", "wav", "aiff", "aif", "wma", "wv", "ape"]
EXTENSIONS += ["mka", "webm", "dsf", "dff", "mpc", "tta"]
AUDIO = tuple(f".{extension}" for extension in EXTENSIONS)

Listing = tuple[str, list[str]]  # a folder, relative to the root, and the names of its files
FOLDERS = 500  # looked at together
FILES = 2000  # handed out together: their tags are held in memory
NO_NAMES: frozenset[str] = frozenset()


def walk(start: str = "") -> Iterator[Listing]:
    """The folders below ``start``, itself among them, each with its files; without links and what `ignored` lists."""
    folders, own = [start], value("IGNORED_FOLDERS")
    if start and ignored.is_own(start, own):
        return
    while folders:
        folder = folders.pop()
        below, files = _list(folder)
        folders += [path for path in below if not ignored.is_ignored_folder(path, own)]
        yield folder, files


def listed(folders: Iterable[str]) -> Iterator[Listing]:
    """As `walk`, these folders alone."""
    own = value("IGNORED_FOLDERS")
    for folder in folders:
        if not ignored.is_ignored_folder(folder, own):
            yield folder, _list(folder)[1]


def walk_near(folders: Iterable[str]) -> Iterator[Listing]:
    """As `walk`, these folders, or the next one above that is there, and the folders in them that no row is below.

    Where files were renamed their folder has changed, where a folder was renamed it stands beside its old name.
    """
    known, own = folder_index.known_folders(), value("IGNORED_FOLDERS")
    there = {_nearest(folder) for folder in folders}
    walked: set[str] = set()  # with a folder above; it sorts before them
    for folder in sorted(path for path in there if not ignored.is_ignored_folder(path, own)):
        if folder in walked:
            continue
        below, files = _list(folder)
        yield folder, files
        for path in below:
            if path not in known and not ignored.is_ignored_folder(path, own):
                for listing in walk(path):
                    walked.add(listing[0])
                    yield listing


def _nearest(folder: str) -> str:
    """``folder``, or the next one above it that is there; "" is the root."""
    while folder and not os.path.isdir(os.path.join(settings.MUSIC_DIR, folder)):
        folder = folder.rpartition("/")[0]
    return folder


def _list(folder: str) -> tuple[list[str], list[str]]:
    """The paths of the folders in ``folder``, sorted, and the names of its files; neither where it cannot be read."""
    try:
        with os.scandir(os.path.join(settings.MUSIC_DIR, folder)) as entries:
            listing = list(entries)
    except OSError:
        return [], []
    prefix = f"{folder}/" if folder else ""
    below = sorted(prefix + entry.name for entry in listing if entry.is_dir(follow_symlinks=False))
    return below, [entry.name for entry in listing if entry.is_file(follow_symlinks=False)]


def untracked_files(listings: Iterable[Listing]) -> Iterator[tuple[int, list[str]]]:
    """Relative paths of the audio files that no downloaded or reserving row names, at most `FILES` at once.

    With each batch how many audio files were looked at for it. A name that is no text is nobody's: no row can hold it.
    """
    for some in batched(listings, FOLDERS):
        names = folder_index.names_of_files([folder for folder, _ in some if is_text(folder)])
        known, others = 0, []
        for folder, found in some:
            here = names.get(folder, NO_NAMES)
            new = [name for name in found if name not in here and is_audio(name)]
            known += len(here.intersection(found)) if here else 0
            others += [f"{folder}/{name}" if folder else name for name in sorted(new) if is_text(folder + name)]
        for start in range(0, len(others) or 1, FILES):
            batch = others[start : start + FILES]
            yield known + len(batch), batch
            known = 0


def is_audio(name: str) -> bool:
    """Whether a file of this name may be somebody's song."""
    return name.lower().endswith(AUDIO) and not ignored.is_ignored_file(name)


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
