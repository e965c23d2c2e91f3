"""A text of "Artist - Title" lines, numbered or not, with or without times. Pure."""

from __future__ import annotations

import re

from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import (
    MAX_LABEL,
    ReadFile,
    Skipped,
    as_collection,
    as_entry,
    clean,
    collection_name,
    link_entry,
    no_track,
    note_on_links,
    refuse_nonsense,
)
from catalog.music.file_names import split_names
from catalog.music.records import EntryRecord, TrackRecord

KIND = "“Artist - Title” lines"
NUMBERED = re.compile(r"[0-9]{1,4}[.):]\s+")
COUNTED = re.compile(r"([0-9]{1,4})\s+(?:[-–]\s+)?(?=\S)")
QUOTED = re.compile(r'"[^"]+"')
BULLET = re.compile(r"[-*•–]\s+")
# "12:34", "[1:02:03]" before a line of a mix; "(3:45)" or "3:45" behind one.
STARTS_AT = re.compile(r"[\[(]?(?:[0-9]{1,2}:)?[0-9]{1,3}:[0-9]{2}[\])]?\s+(?:[-–]\s+)?")
LENGTH = re.compile(r"\s[\[(]?([0-9]{1,3}):([0-9]{2})[\])]?\Z")
# foobar2000 copies a song as "Artist - [Album CD1 #05] Title".
ALBUM_FIRST = re.compile(r"\[([^\[\]]{1,300}?)(?: CD ?([0-9]{1,2}))? #([0-9]{1,3})\] (?=\S)")
LINK = re.compile(r"spotify:[a-z]+:|https?://|open\.spotify\.com/", re.IGNORECASE)
SPOTIFY_TRACK = re.compile(r"track[:/]([0-9A-Za-z]{22})(?![0-9A-Za-z])")
BARE_ID = re.compile(r"(?=\S{0,21}[0-9])[0-9A-Za-z]{22}\Z")  # a word of 22 letters has no digit
ADDRESS = re.compile(r"(?:spotify:track:|(?:https?://)?open\.spotify\.com/)\S+", re.IGNORECASE)
STAMPED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}")  # a line of a log
PROSE_WORDS = 9  # and more, most of them small, with a full stop at the end
OTHER_LINK = "the link names no song of Spotify: name it as “Artist - Title”"


def read(file: LibraryText) -> ReadFile:
    """The collection in a file of lines.

    Raises UnreadableFile where fewer than half of the lines are such: any prose has a dash somewhere.
    """
    lines = list(file.lines())
    texts = [line for _, line in lines]
    if all(map(QUOTED.fullmatch, texts)):
        texts = [text[1:-1] for text in texts]
    for opening in (NUMBERED, BULLET, STARTS_AT):
        texts = _without(opening, texts)
    texts = _uncounted(texts)
    entries: list[EntryRecord] = []
    skipped: list[Skipped] = []
    for (number, line), text in zip(lines, texts, strict=True):
        entry, problem = _entry(text, line)
        entries.append(entry)
        if problem:
            skipped.append(Skipped(number, clean(line, MAX_LABEL), problem))
    key, title = collection_name(file.name)
    collection = as_collection(key, title, entries, len(skipped))
    read_file = ReadFile(file.name, KIND, (collection,), tuple(skipped), note_on_links([collection]))
    refuse_nonsense(read_file, "export it as CSV", needed=0.5, why="most lines are not “Artist - Title”")
    return read_file


def _without(opening: re.Pattern[str], lines: list[str]) -> list[str]:
    """The lines without what most of them begin with; where only some do, it is part of a name."""
    matches = [opening.match(line) for line in lines]
    if sum(map(bool, matches)) < 0.8 * len(lines):
        return lines
    return [line[match.end() :] if match else line for line, match in zip(lines, matches, strict=True)]


def _uncounted(lines: list[str]) -> list[str]:
    """The lines without bare numbers before them ("01 - Artist - Title"), where those count the lines up."""
    matches = [match for match in map(COUNTED.match, lines) if match]
    numbers = [int(match[1]) for match in matches]
    if len(numbers) < 2 or len(numbers) != len(lines) or numbers != list(range(numbers[0], numbers[0] + len(lines))):
        return lines
    return [line[match.end() :] for line, match in zip(lines, matches, strict=True)]


def _entry(text: str, line: str) -> tuple[EntryRecord, str]:
    """A line's entry, and why it was not understood ("" where it was)."""
    linked = SPOTIFY_TRACK.search(line)
    spotify_id = linked[1] if linked else line if BARE_ID.match(line) else ""
    if linked:
        text = ADDRESS.sub(" ", text).strip(" \t-–|,;")
    length = LENGTH.search(text)
    artist, title = ("", "") if _is_prose(text) else split_names(text[: length.start()] if length else text)
    is_link = bool(LINK.match(line))
    if spotify_id and not title:
        return link_entry(spotify_id), ""
    if is_link and not linked and not no_track(line):
        return EntryRecord(reason="unreadable", label=clean(line, MAX_LABEL)), OTHER_LINK
    of_album = ALBUM_FIRST.match(title)
    album, disc, number = of_album.groups() if of_album else ("", None, None)
    track = TrackRecord(
        title=clean(title[of_album.end() :] if of_album else title),
        artists=(clean(artist),) if clean(artist) else (),
        album=clean(album),
        track_number=int(number) if number else None,
        disc_number=int(disc) if disc else None,
        duration_ms=(int(length[1]) * 60 + int(length[2])) * 1000 or None if length else None,
        spotify_id=spotify_id,
    )
    entry, problem = as_entry(track, line if is_link else "", label=line)
    return entry, problem if is_link or not problem else "no “Artist - Title” in it"


def _is_prose(text: str) -> bool:
    """Whether a line is a sentence or a line of a log: those have dashes too."""
    words = text.split()
    is_sentence = text.endswith((".", "!", "?")) and len(words) >= PROSE_WORDS
    return bool(STAMPED.match(text)) or (is_sentence and sum(word[0].islower() for word in words) > 0.7 * len(words))


FORMAT = Format(lambda file: True, read)
