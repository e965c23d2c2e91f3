"""iTunes' and Music's library or playlist as XML ("Library.xml"). Pure; `plistlib` reads the property list."""

from __future__ import annotations

import plistlib
from collections.abc import Iterable
from typing import Any
from xml.parsers.expat import ExpatError

from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import (
    MAX_DURATION_MS,
    MAX_LABEL,
    MAX_NAME,
    NamedList,
    ReadFile,
    Skipped,
    UnreadableFile,
    as_entry,
    clean,
    collection_name,
    file_of_lists,
    read_items,
    shown,
)
from catalog.importers.xml_text import damaged_xml, refuse_entities, without_declaration
from catalog.music.records import UNREADABLE, EntryRecord, TrackRecord

KIND = "iTunes library"
# Lists that the program makes itself, by the key that marks them: all music once more, films, podcasts.
OWN_LISTS = ("Master", "Distinguished Kind", "Folder", "Music", "Movies", "TV Shows", "Podcasts", "Audiobooks")
NOT_MUSIC = ("Podcast", "Movie", "TV Show", "Has Video", "Music Video")


def recognises(file: LibraryText) -> bool:
    return file.is_xml and "<plist" in file.start


def read(file: LibraryText) -> ReadFile:
    """The playlists in the file, or all its songs where it has none of a person's own."""
    refuse_entities(file)
    try:
        library = plistlib.loads(without_declaration(file).encode(), fmt=plistlib.FMT_XML)
    except (ValueError, ExpatError, AttributeError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise damaged_xml(file, error) from None
    tracks = library.get("Tracks") if isinstance(library, dict) else None
    if not isinstance(tracks, dict):
        raise UnreadableFile(f"{shown(file.name)} is no iTunes library: export the library or playlist as XML.")
    lists = [_playlist(each, tracks) for each in _playlists(library)]
    if not lists:
        key, title = collection_name(file.name)
        return file_of_lists(file.name, KIND, [(title, *_songs(tracks.values()))], lambda *_: key)
    return file_of_lists(file.name, KIND, lists)


def _playlists(library: dict[str, Any]) -> list[dict[str, Any]]:
    """A person's own lists."""
    lists = library.get("Playlists")
    return [
        each
        for each in (lists if isinstance(lists, list) else [])
        if isinstance(each, dict) and isinstance(each.get("Playlist Items"), list) and not any(map(each.get, OWN_LISTS))
    ]


def _playlist(playlist: dict[str, Any], tracks: dict[str, Any]) -> NamedList:
    ids = [item.get("Track ID") if isinstance(item, dict) else None for item in playlist["Playlist Items"]]
    return clean(playlist.get("Name"), MAX_NAME), *_songs(tracks.get(str(pk)) for pk in ids)


def _songs(items: Iterable[Any]) -> tuple[list[EntryRecord], list[Skipped]]:
    music = (item for item in items if not (isinstance(item, dict) and any(map(item.get, NOT_MUSIC))))
    return read_items(music, _entry)


def _entry(item: Any) -> tuple[EntryRecord, str]:
    if not isinstance(item, dict):
        return EntryRecord(reason=UNREADABLE, label="(no such track)"), "the list names a track that the file has not"
    artist = clean(item.get("Artist")) or clean(item.get("Album Artist"))
    album_artist = clean(item.get("Album Artist"))
    year = _number(item.get("Year"))
    track = TrackRecord(
        title=clean(item.get("Name")),
        artists=(artist,) if artist else (),
        album=clean(item.get("Album")),
        album_artists=(album_artist,) if album_artist else (),
        duration_ms=_number(item.get("Total Time")),
        track_number=_number(item.get("Track Number")),
        disc_number=_number(item.get("Disc Number")),
        release_date=str(year) if year and 1000 <= year <= 9999 else "",
        compilation=item.get("Compilation") is True,
    )
    return as_entry(track, "", label=clean(item.get("Name"), MAX_LABEL))


def _number(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 1 <= value <= MAX_DURATION_MS else None


FORMAT = Format(recognises, read)
