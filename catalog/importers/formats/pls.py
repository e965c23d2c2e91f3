"""PLS playlists (Winamp, many radios): numbered lines of files, titles and lengths. Pure."""

from __future__ import annotations

import re

from catalog.importers.formats.m3u import ListedTrack, listed_tracks
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import ReadFile

KIND = "PLS playlist"
PAIR = re.compile(r"(File|Title|Length)([0-9]{1,6})\s?=\s?(.*)", re.IGNORECASE)


def recognises(file: LibraryText) -> bool:
    return file.start.lower().startswith("[playlist]")


def read(file: LibraryText) -> ReadFile:
    """The collection in a PLS file, in the order of its numbers."""
    tracks: dict[int, ListedTrack] = {}
    for number, line in file.lines():
        if match := PAIR.match(line):
            track = tracks.setdefault(int(match[2]), ListedTrack(number, ""))
            setattr(track, {"file": "path", "title": "text", "length": "seconds"}[match[1].lower()], match[3].strip())
    return listed_tracks(file.name, KIND, "", [tracks[number] for number in sorted(tracks)])


FORMAT = Format(recognises, read)
