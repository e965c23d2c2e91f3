"""The one door for files: a path, an upload or a zip comes in, understood collections go out. Pure.

What a file is, its content says; the name only decides where that leaves a choice. Nothing is unpacked to
disk, and everything is read within limits, so that no file can take more than its share of memory.
"""

from __future__ import annotations

import errno
import io
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO

from catalog.importers.columns import ARTISTS, TITLE, URI, Columns, find_columns, is_album_list
from catalog.importers.csv_table import Table, read_table
from catalog.importers.encoding import decode
from catalog.importers.exportify import read_exportify
from catalog.importers.parsed_file import (
    MAX_ENTRIES,
    MAX_NAME,
    ReadFile,
    Skipped,
    UnreadableFile,
    clean,
    extension,
    file_size,
    shown,
)
from catalog.importers.privacy_export import PRIVACY_FILE, read_privacy_export
from catalog.importers.track_lists import is_m3u, read_lines, read_m3u, read_track_table
from catalog.music.records import CollectionRecord

__all__ = ["ReadFile", "Skipped", "UnreadableFile", "read_library_file", "read_library_stream"]

MAX_FILE = 50_000_000  # bytes; the largest Spotify library seen is 20 MB as CSV
MAX_UNPACKED = 100_000_000  # bytes of all files read from one zip
MAX_MEMBERS = 5_000  # files in one zip; Spotify allows 10,000 playlists, nobody was seen with 1,000
MAX_RATIO = 200  # unpacked to packed; text exports reach 30, a bomb 1,000
# What zipfile and the unpackers under it raise on damaged, locked or unknown archives.
ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError, RuntimeError,
)  # fmt: skip
LIBRARY_EXTENSIONS = (".csv", ".tsv", ".m3u", ".m3u8", ".txt")
_KINDS_READ = "Exportify CSV, Spotify's privacy export, CSV with title and artist, m3u, or “Artist - Title” lines"


def read_library_file(path: str, name: str | None = None) -> list[ReadFile]:
    """What the file at ``path`` holds; a zip yields one `ReadFile` for each file in it.

    ``name`` is the file's own name where the path is not (an upload). Raises UnreadableFile with one sentence
    where it is missing, too large, damaged or no library; nothing is then half read.
    """
    try:
        with _opened(path) as stream:
            data = stream.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise UnreadableFile(_open_sentence(path, error)) from None
    return read_library_stream(io.BytesIO(data), name or os.path.basename(path))


def read_library_stream(stream: BinaryIO, name: str) -> list[ReadFile]:
    """The same for bytes that are open already; at most 50 MB of them are ever read."""
    data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise UnreadableFile(
            f"{shown(name)} is larger than {file_size(MAX_FILE)}: no library export is; take the export itself."
        )
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _distinct(_read_zip(data, name))
    return _distinct([_read_one(data, name)])


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


def _read_one(data: bytes, name: str) -> ReadFile:
    """One file that is no zip, as the first reader understands it whose form it has."""
    text, note = decode(data, name)
    start = text.lstrip("\ufeff \t\r\n")[:1000]
    if start[:1] == "<" and re.match(r"<(!doctype|html|\?xml|head|plist)", start, re.IGNORECASE):
        raise UnreadableFile(f"{shown(name)} is a web page or XML, not an export: download the export itself.")
    if start[:1] in "{[" and (extension(name) == ".json" or re.match(r'[{\[]\s*["{\[\]}]', start)):
        read = read_privacy_export(text, name)
    elif is_m3u(start, name):
        read = read_m3u(text, name)
    else:
        read = _read_table_or_lines(text, name)
    return replace(read, notes=(*read.notes, note)) if note else read


def _read_table_or_lines(text: str, name: str) -> ReadFile:
    must_be_table = extension(name) in (".csv", ".tsv")
    try:
        table = read_table(text, name)
    except UnreadableFile:
        if must_be_table:
            raise
        table = None
    found = find_columns(table) if table else {}
    if table and URI in found:
        return read_exportify(table, found, name)
    if table and TITLE in found and ARTISTS in found:
        return read_track_table(table, found, name)
    if must_be_table or (table and is_album_list(table, found)):
        raise UnreadableFile(_no_tracks(table, found, name))
    return read_lines(text, name)


def _no_tracks(table: Table | None, found: Columns, name: str) -> str:
    if table and is_album_list(table, found):
        return f"{shown(name)} lists albums without their tracks: export playlists or liked songs instead."
    for role, other, what in ((TITLE, ARTISTS, "titles"), (ARTISTS, TITLE, "artists")):
        if other in found and role not in found:
            return f"{shown(name)} has no column with the {what}: name it in the first line, or export it again."
    return f"{shown(name)} is no list of tracks: its first line names no title and artist. Readable are {_KINDS_READ}."


def _read_zip(data: bytes, name: str) -> list[ReadFile]:
    """The library files in a zip, in the order of their names; what is none is never opened."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except ZIP_ERRORS as error:
        raise _damaged(name, error) from None
    with archive:
        members = _checked(archive.infolist(), name)
        wanted = _wanted(members)
        if not wanted:
            raise UnreadableFile(_nothing_wanted(members, name))
        return _read_members(archive, wanted, len(members) - len(wanted), name)


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, name: str) -> bytes:
    """A member's bytes, at most ``most``; what a zip says of its sizes is not believed."""
    try:
        with archive.open(member) as stream:
            return stream.read(most)
    except ZIP_ERRORS as error:
        raise _damaged(name, error) from None


def _damaged(name: str, error: Exception) -> UnreadableFile:
    if "password" in str(error) or "encrypted" in str(error):
        return UnreadableFile(f"{shown(name)} is locked with a password: unpack it and give the files.")
    return UnreadableFile(f"{shown(name)} is a damaged zip ({clean(str(error), 80)}): download it again.")


def _checked(members: list[zipfile.ZipInfo], name: str) -> list[zipfile.ZipInfo]:
    """The files of a zip, none of which lies about its place, kind or size."""
    if len(members) > MAX_MEMBERS:
        raise UnreadableFile(f"{shown(name)} holds more than {MAX_MEMBERS:,} files: it is no library export.")
    for member in members:
        if problem := _member_problem(member):
            raise UnreadableFile(
                f"{shown(name)} was refused because “{shown(member.orig_filename)}” in it {problem}: "
                "unpack it, look, and give the files."
            )
    return [member for member in members if not member.is_dir()]


def _member_problem(member: zipfile.ZipInfo) -> str:
    place = member.orig_filename.replace("\\", "/")
    if "\x00" in place or place.startswith("/") or re.match(r"[A-Za-z]:", place) or ".." in place.split("/"):
        return "points outside of the zip"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link"
    if member.file_size > 1_000_000 and member.file_size > MAX_RATIO * max(1, member.compress_size):
        return "is packed like a bomb"
    return ""


def _wanted(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Of a privacy export the library and the playlists only: the rest of it is nobody's business."""
    bases = [(member, member.filename.rsplit("/", 1)[-1]) for member in members if "__MACOSX/" not in member.filename]
    private = [member for member, base in bases if PRIVACY_FILE.fullmatch(base)]
    lists = [
        member
        for member, base in bases
        if extension(base) in LIBRARY_EXTENSIONS and not base.startswith("._") and not private
    ]
    return sorted(private or lists, key=lambda member: member.filename)


def _nothing_wanted(members: list[zipfile.ZipInfo], name: str) -> str:
    names = {member.filename for member in members}
    if "[Content_Types].xml" in names or "mimetype" in names:
        return f"{shown(name)} is a spreadsheet or document: save it as “CSV UTF-8” and take that."
    if any(member.lower().endswith(".zip") for member in names):
        return f"{shown(name)} holds another zip: unpack it once and give the inner one."
    return f"{shown(name)} holds no library file: readable are {_KINDS_READ}."


def _read_members(
    archive: zipfile.ZipFile, wanted: list[zipfile.ZipInfo], left_alone: int, name: str
) -> list[ReadFile]:
    """Each wanted file; a bad one is told beside the good ones, and refuses the zip where none is good."""
    files: list[ReadFile] = []
    unpacked = entries = 0
    for member in wanted:
        data = _unpacked(archive, member, min(MAX_FILE, MAX_UNPACKED - unpacked) + 1, name)
        unpacked += len(data)
        if unpacked > MAX_UNPACKED or len(data) > MAX_FILE:
            raise UnreadableFile(
                f"{shown(name)} unpacks to more than {file_size(MAX_FILE)} a file or {file_size(MAX_UNPACKED)} in all: "
                "give the files one by one."
            )
        files.append(_told(data, member.filename))
        entries += files[-1].entries
        if entries > MAX_ENTRIES:
            raise UnreadableFile(
                f"{shown(name)} holds more than {MAX_ENTRIES:,} tracks: give the files in it one by one."
            )
    if all(file.error for file in files):
        raise UnreadableFile(files[0].error)
    if left_alone:
        files[0] = replace(files[0], notes=(*files[0].notes, f"not opened: other files in the zip, {left_alone}"))
    return files


def _told(data: bytes, name: str) -> ReadFile:
    try:
        return _read_one(data, name)
    except UnreadableFile as error:
        return ReadFile(name, "not read", error=str(error))


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
