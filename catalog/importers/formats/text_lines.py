"""A text of "Artist - Title" lines, numbered or not, with or without times. Pure."""

from __future__ import annotations

import re

from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import (
    MAX_LABEL,
    ReadFile,
    Skipped,
    UnreadableFile,
    as_collection,
    as_entry,
    clean,
    collection_name,
    no_track,
    refuse_nonsense,
    shown,
)
from catalog.music.file_names import split_names
from catalog.music.records import EntryRecord, TrackRecord, spotify_id_of

KIND = "“Artist - Title” lines"
NUMBERED = re.compile(r"[0-9]{1,4}[.):]\s+")
BULLET = re.compile(r"[-*•–]\s+")
# "12:34", "[1:02:03]" before a line of a mix; "(3:45)" or "3:45" behind one.
STARTS_AT = re.compile(r"[\[(]?(?:[0-9]{1,2}:)?[0-9]{1,3}:[0-9]{2}[\])]?\s+(?:[-–]\s+)?")
LENGTH = re.compile(r"\s[\[(]?([0-9]{1,3}):([0-9]{2})[\])]?\Z")
LINK = re.compile(r"spotify:[a-z]+:|https?://", re.IGNORECASE)
SPOTIFY_TRACK = re.compile(r"(?:spotify[:.]\S{0,80})?track[:/]([0-9A-Za-z]{22})")
ONLY_A_LINK = "a link alone names no title: connect Spotify, or export the playlist with Exportify"


def read(file: LibraryText) -> ReadFile:
    """The collection in a file of lines.

    Raises UnreadableFile where fewer than half of the lines are such: any prose has a dash somewhere.
    """
    lines = list(file.lines())
    texts = [line for _, line in lines]
    for opening in (NUMBERED, BULLET, STARTS_AT):
        texts = _without(opening, texts)
    entries: list[EntryRecord] = []
    skipped: list[Skipped] = []
    for (number, line), text in zip(lines, texts, strict=True):
        entry, problem = _entry(text, line)
        entries.append(entry)
        if problem:
            skipped.append(Skipped(number, clean(line, MAX_LABEL), problem))
    key, title = collection_name(file.name)
    read_file = ReadFile(file.name, KIND, (as_collection(key, title, entries, len(skipped)),), tuple(skipped))
    _refuse_links(read_file)
    refuse_nonsense(read_file, "export it as CSV", needed=0.5, why="most lines are not “Artist - Title”")
    return read_file


def _without(opening: re.Pattern[str], lines: list[str]) -> list[str]:
    """The lines without what most of them begin with; where only some do, it is part of a name."""
    matches = [opening.match(line) for line in lines]
    if sum(map(bool, matches)) < 0.8 * len(lines):
        return lines
    return [line[match.end() :] if match else line for line, match in zip(lines, matches, strict=True)]


def _entry(text: str, line: str) -> tuple[EntryRecord, str]:
    """A line's entry, and why it was not understood; a link without a title is not, though it names a track."""
    length = LENGTH.search(text)
    artist, title = split_names(text[: length.start()] if length else text)
    is_link = bool(LINK.match(line))
    if is_link and not title and not no_track(line):
        return EntryRecord(reason="unreadable", label=clean(line, MAX_LABEL)), ONLY_A_LINK
    linked = SPOTIFY_TRACK.search(line)
    track = TrackRecord(
        title=clean(title),
        artists=(clean(artist),) if clean(artist) else (),
        duration_ms=(int(length[1]) * 60 + int(length[2])) * 1000 or None if length else None,
        spotify_id=spotify_id_of(linked[1]) if linked else "",
    )
    entry, problem = as_entry(track, line if is_link else "", label=line)
    return entry, problem if is_link or not problem else "no “Artist - Title” in it"


def _refuse_links(file: ReadFile) -> None:
    if file.skipped and file.tracks == 0 and file.skipped[0].reason == ONLY_A_LINK:
        raise UnreadableFile(
            f"{shown(file.name)} holds links without titles: connect Spotify, or export the playlist with Exportify."
        )


FORMAT = Format(lambda file: True, read)
