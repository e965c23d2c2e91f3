"""The library files in a zip: checked before anything is unpacked, and read within limits. Pure.

Of a privacy export only the library, the playlists and the streaming history are opened.
"""

from __future__ import annotations

import io
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace

from catalog.importers.formats.privacy_export import PRIVACY_FILE
from catalog.importers.parsed_file import MAX_ENTRIES, ReadFile, UnreadableFile, clean, extension, file_size, shown

MAX_FILE = 50_000_000  # bytes; the largest Spotify library seen is 20 MB as CSV
MAX_UNPACKED = 100_000_000  # bytes of all files read from one zip
MAX_MEMBERS = 5_000  # files in one zip; Spotify allows 10,000 playlists, nobody was seen with 1,000
MAX_RATIO = 200  # unpacked to packed; text exports reach 30, a bomb 1,000
# What zipfile and the unpackers under it raise on damaged, locked or unknown archives.
ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError, RuntimeError,
)  # fmt: skip
LIBRARY_EXTENSIONS = (".csv", ".tsv", ".m3u", ".m3u8", ".txt", ".pls", ".xspf", ".spotdl")
OTHER_EXTENSIONS = (".json", ".xml")  # of libraries and of much else: opened where there is nothing of the others
ABOUT_FILES = re.compile(r"(read[ _-]?me|licen[cs]e|copying|changelog|about)\b.*", re.IGNORECASE)
HISTORY_FILE = re.compile(r"(StreamingHistory|Streaming_History)\w{0,60}(-\w{0,20})?\.json", re.IGNORECASE)
KINDS_READ = (
    "Exportify CSV, Spotify's privacy export, CSV with title and artist, playlists (m3u, PLS, XSPF), iTunes, "
    "spotDL and spotify-backup files, or “Artist - Title” lines"
)

ReadText = Callable[[bytes, str], ReadFile]


def read_zip(data: bytes, name: str, read_text: ReadText) -> list[ReadFile]:
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
        return _read_members(archive, wanted, len(members) - len(wanted), name, read_text)


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
    private = private or [member for member, base in bases if HISTORY_FILE.fullmatch(base)]
    if private:
        return sorted(private, key=lambda member: member.filename)
    others = [(member, base) for member, base in bases if not base.startswith("._") and not ABOUT_FILES.match(base)]
    for extensions in (LIBRARY_EXTENSIONS, () if _is_document(members) else OTHER_EXTENSIONS):
        if lists := [member for member, base in others if extension(base) in extensions]:
            return sorted(lists, key=lambda member: member.filename)
    return []


def _is_document(members: list[zipfile.ZipInfo]) -> bool:
    """Whether the zip is a file of Office, LibreOffice or Numbers."""
    names = {member.filename for member in members}
    return bool({"[Content_Types].xml", "mimetype"} & names) or any(name.endswith(".iwa") for name in names)


def _nothing_wanted(members: list[zipfile.ZipInfo], name: str) -> str:
    names = {member.filename for member in members}
    if _is_document(members):
        return f"{shown(name)} is a spreadsheet or document: save it as “CSV UTF-8” and take that."
    if any(member.lower().endswith(".zip") for member in names):
        return f"{shown(name)} holds another zip: unpack it once and give the inner one."
    return f"{shown(name)} holds no library file: readable are {KINDS_READ}."


def _read_members(
    archive: zipfile.ZipFile, wanted: list[zipfile.ZipInfo], left_alone: int, name: str, read_text: ReadText
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
        files.append(_read_or_error(data, member.filename, read_text))
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


def _read_or_error(data: bytes, name: str, read_text: ReadText) -> ReadFile:
    try:
        return read_text(data, name)
    except UnreadableFile as error:
        return ReadFile(name, "not read", error=str(error))
