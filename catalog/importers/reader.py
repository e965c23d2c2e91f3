"""The one door for files: a path, an upload or a zip comes in, understood collections go out. Pure.

What a file is, its content says; the name only decides where that leaves a choice. Nothing is unpacked to
disk, and everything is read within limits, so that no file can take more than its share of memory.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO

from catalog.importers.columns import ARTISTS, TITLE, Columns, is_album_list
from catalog.importers.csv_table import Table
from catalog.importers.encoding import decode
from catalog.importers.formats import (
    exportify,
    generic_csv,
    itunes,
    m3u,
    pls,
    privacy_export,
    spotdl,
    spotify_backup,
    streaming_history,
    text_lines,
    xspf,
    youspotter,
)
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import MAX_NAME, ReadFile, Skipped, UnreadableFile, file_size, shown
from catalog.importers.zip_archive import KINDS_READ, MAX_FILE, read_zip
from catalog.music.records import CollectionRecord, EntryRecord
from catalog.text.sanitize import is_escaped, without_entities

MARKUP = '",;\t\n\r|\\'  # characters that take a file apart: their entities are read once it is

__all__ = ["MAX_FILE", "ReadFile", "Skipped", "UnreadableFile", "read_library_file", "read_library_stream"]


def read_library_file(path: str, name: str | None = None) -> list[ReadFile]:
    """What the file at ``path`` holds; a zip yields one `ReadFile` for each file in it.

    ``name`` is the file's own name where the path is not (an upload). Raises UnreadableFile with one sentence
    where it is missing, too large, damaged or no library; nothing is then half read.
    """
    try:
        with _opened(path) as stream:
            content = [stream.read(MAX_FILE + 1)]
    except (OSError, ValueError) as error:
        raise UnreadableFile(_open_sentence(path, error)) from None
    return _read(content, name or os.path.basename(path))


def read_library_stream(stream: BinaryIO, name: str) -> list[ReadFile]:
    """The same for bytes that are open already; at most 50 MB of them are ever read."""
    return _read([stream.read(MAX_FILE + 1)], name)


def _read(content: list[bytes], name: str) -> list[ReadFile]:
    """What these bytes hold. They are taken out of ``content``: once decoded they are not kept beside their text."""
    data = content.pop()
    if len(data) > MAX_FILE:
        raise UnreadableFile(
            f"{shown(name)} is larger than {file_size(MAX_FILE)}: no library export is; take the export itself."
        )
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _distinct(streaming_history.combine(read_zip(data, name, read_text)))
    if youspotter.recognises(data):
        return [youspotter.read(data, name)]
    text, note = decode(data, name)
    del data
    return _distinct([_read_decoded(text, note, name)])


def _opened(path: str) -> BinaryIO:
    # Without O_NONBLOCK a named pipe would wait for a writer for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a folder: give the file in it" if stat.S_ISDIR(mode) else "no regular file: give the export itself"
        raise UnreadableFile(f"{shown(path)} is {kind}.")
    return os.fdopen(descriptor, "rb")


def _open_sentence(path: str, error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code in (errno.ENOENT, errno.ENOTDIR):
        return f"There is no file {shown(path)}: check the path."
    if code in (errno.EACCES, errno.EPERM):
        return f"{shown(path)} may not be read by this user: change its permissions, or copy it."
    why = os.strerror(code) if code else "it is no legal path"
    return f"{shown(path)} cannot be read ({why}): check the path and the disk."


def read_text(data: bytes, name: str) -> ReadFile:
    """One file that is no zip, by the first format that recognises it."""
    return _read_decoded(*decode(data, name), name)


def _read_decoded(text: str, note: str, name: str) -> ReadFile:
    file = LibraryText(text, name)
    escaped = not file.is_xml and is_escaped(text)
    if escaped:
        file = LibraryText(without_entities(text, keep=MARKUP), name)
    read = next(each for each in FORMATS if each.recognises(file)).read(file)
    if escaped:
        read = replace(read, collections=tuple(map(_without_markup, read.collections)))
    return replace(read, notes=(*read.notes, note)) if note else read


def _without_markup(collection: CollectionRecord) -> CollectionRecord:
    """The collection with the entities read that had to wait for the file to be taken apart."""
    entries = tuple(_unescaped(entry) if entry.track else entry for entry in collection.entries)
    return replace(collection, entries=entries, name=without_entities(collection.name))


def _unescaped(entry: EntryRecord) -> EntryRecord:
    track = entry.track
    if track is None or "&" not in "".join((track.title, track.album, *track.artists)):
        return entry
    artists = tuple(map(without_entities, track.artists))
    title, album = without_entities(track.title), without_entities(track.album)
    return replace(entry, track=replace(track, title=title, album=album, artists=artists))


def _refuse_page(file: LibraryText) -> ReadFile:
    raise UnreadableFile(f"{shown(file.name)} is a web page or XML, not an export: download the export itself.")


def _refuse_table(file: LibraryText) -> ReadFile:
    raise UnreadableFile(_why_no_tracks(file.table, file.columns, file.name))


def _is_other_table(file: LibraryText) -> bool:
    """Whether it must be a table, by its name or its columns of albums, and is none of tracks."""
    return file.extension in (".csv", ".tsv") or bool(file.table and is_album_list(file.table, file.columns))


def _why_no_tracks(table: Table | None, columns: Columns, name: str) -> str:
    if table and is_album_list(table, columns):
        return f"{shown(name)} lists albums without their tracks: export playlists or liked songs instead."
    for role, other, what in ((TITLE, ARTISTS, "titles"), (ARTISTS, TITLE, "artists")):
        if other in columns and role not in columns:
            return f"{shown(name)} has no column with the {what}: name it in the first line, or export it again."
    return f"{shown(name)} is no list of tracks: its first line names no title and artist. Readable are {KINDS_READ}."


# The first that recognises a file reads it: a new format is a module in `catalog.importers.formats` and a line here.
FORMATS = (
    itunes.FORMAT,
    xspf.FORMAT,
    Format(lambda file: file.is_xml, _refuse_page),
    streaming_history.FORMAT,
    spotdl.FORMAT,
    spotify_backup.FORMAT,
    Format(lambda file: file.is_json and generic_csv.recognises(file), generic_csv.read),
    privacy_export.FORMAT,
    pls.FORMAT,
    m3u.FORMAT,
    exportify.FORMAT,
    generic_csv.FORMAT,
    Format(_is_other_table, _refuse_table),
    text_lines.FORMAT,
)


def _distinct(files: Iterable[ReadFile]) -> list[ReadFile]:
    """The files with every key once: two playlists may have one name, and must not become one collection."""
    seen: set[str] = set()
    return [replace(file, collections=tuple(_renamed(each, seen) for each in file.collections)) for file in files]


def _renamed(collection: CollectionRecord, seen: set[str]) -> CollectionRecord:
    key, name, number = collection.key, collection.name, 1
    while key in seen:
        number += 1
        tail = f" ({number})"
        key = collection.key[: MAX_NAME - len(tail)] + tail
        name = collection.name[: MAX_NAME - len(tail)] + tail
    seen.add(key)
    return replace(collection, key=key, name=name) if number > 1 else collection
