"""XSPF playlists (VLC, Clementine, Strawberry): XML with title, creator, album and length. Pure. See xspf.org/spec."""

from __future__ import annotations

from xml.etree import ElementTree

from catalog.importers.formats.m3u import ListedTrack, listed_tracks
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import MAX_DURATION_MS, MAX_NAME, ReadFile, clean, whole_number
from catalog.importers.xml_text import parse_xml

KIND = "XSPF playlist"


def recognises(file: LibraryText) -> bool:
    return file.is_xml and "xspf.org/ns/" in file.start


def read(file: LibraryText) -> ReadFile:
    """The collection in an XSPF file; what a track's elements leave open, its location says."""
    root = parse_xml(file)
    elements = [element for element in root.iter() if _tag(element) == "track"]
    tracks = [_listed(number, element) for number, element in enumerate(elements, 1)]
    return listed_tracks(file.name, KIND, clean(_text(root, "title"), MAX_NAME), tracks)


def _listed(number: int, element: ElementTree.Element) -> ListedTrack:
    milliseconds = whole_number(_text(element, "duration"), MAX_DURATION_MS)
    return ListedTrack(
        line=number,
        path=_text(element, "location"),
        text=_text(element, "title"),
        seconds=str(round(milliseconds / 1000)) if milliseconds else "",
        artist=_text(element, "creator"),
        album=_text(element, "album"),
        track_number=whole_number(_text(element, "trackNum"), 32767),
    )


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(parent: ElementTree.Element, name: str) -> str:
    return next((child.text or "" for child in parent if _tag(child) == name), "").strip()


FORMAT = Format(recognises, read)
