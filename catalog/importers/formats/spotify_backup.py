"""spotify-backup's files (github.com/caseychu/spotify-backup), as text and as JSON. Pure.

The text: a playlist's name on a line, then a line for each song with tabs between title, artists, album and address.
The JSON: playlists with the track objects of Spotify's API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.importers.json_values import mapping, number, texts
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import (
    MAX_DURATION_MS,
    MAX_LABEL,
    MAX_NAME,
    NamedList,
    ReadFile,
    Skipped,
    as_entry,
    clean,
    file_of_lists,
    moment,
    no_track,
    read_items,
)
from catalog.importers.table_rows import release_date
from catalog.music.records import UNREADABLE, EntryRecord, TrackRecord, clean_isrc, spotify_id_of

KIND = "spotify-backup file"


def recognises(file: LibraryText) -> bool:
    return _is_json(file) if file.is_json else _is_text(file.start)


def _is_text(start: str) -> bool:
    """A name without a tab in the first line, an address behind three tabs in the next."""
    lines = [line for line in start.splitlines() if line.strip()][:3]
    return len(lines) > 1 and "\t" not in lines[0] and any(_is_song(line.split("\t")) for line in lines[1:])


def _is_song(cells: list[str]) -> bool:
    return len(cells) >= 4 and cells[3].strip().startswith("spotify:")


def _is_json(file: LibraryText) -> bool:
    lists = file.json if isinstance(file.json, list) else []
    tracks = [
        each["tracks"] for each in map(mapping, lists[:5]) if "name" in each and isinstance(each.get("tracks"), list)
    ]
    first = next((mapping(songs[0]) for songs in tracks if songs), {})
    return bool(tracks) and not isinstance(first.get("artist"), str)  # Spotify's objects have "artists"


def read(file: LibraryText) -> ReadFile:
    """A collection for each playlist."""
    return file_of_lists(file.name, KIND, _json_lists(file.json) if file.is_json else _text_lists(file))


def _text_lists(file: LibraryText) -> list[NamedList]:
    lists: list[NamedList] = []
    for number_, line in file.lines():
        cells = line.split("\t")
        if len(cells) == 1 or not lists:
            lists.append((clean(line, MAX_NAME), [], []))
            continue
        _, entries, skipped = lists[-1]
        entry, problem = _text_entry(cells)
        entries.append(entry)
        if problem:
            skipped.append(Skipped(number_, clean(line, MAX_LABEL), problem))
    return lists


def _text_entry(cells: list[str]) -> tuple[EntryRecord, str]:
    if not _is_song(cells):
        return EntryRecord(reason=UNREADABLE, label=clean(" ".join(cells), MAX_LABEL)), "no Spotify address in it"
    uri = cells[3].strip()
    track = TrackRecord(
        title=clean(cells[0]),
        artists=texts(cells[1].split(", ")),
        album=clean(cells[2]),
        spotify_id="" if no_track(uri) else spotify_id_of(uri),
        release_date=release_date(cells[4].strip(), None) if len(cells) > 4 else "",
    )
    return as_entry(track, uri, label=clean(cells[0], MAX_LABEL))


def _json_lists(data: list[Any]) -> Iterator[NamedList]:
    for playlist in map(mapping, data):
        items = playlist.get("tracks")
        songs = map(mapping, items if isinstance(items, list) else ())
        yield clean(playlist.get("name"), MAX_NAME), *read_items(songs, _json_entry)


def _json_entry(item: dict[str, Any]) -> tuple[EntryRecord, str]:
    fields = mapping(item.get("track", item))
    album, uri = mapping(fields.get("album")), clean(fields.get("uri"))
    track = TrackRecord(
        title=clean(fields.get("name")),
        artists=_names(fields.get("artists")),
        album=clean(album.get("name")),
        album_artists=_names(album.get("artists")),
        duration_ms=number(fields.get("duration_ms"), MAX_DURATION_MS),
        isrc=clean_isrc(clean(mapping(fields.get("external_ids")).get("isrc"))),
        spotify_id="" if no_track(uri) else spotify_id_of(uri),
        album_spotify_id=spotify_id_of(clean(album.get("id"))),
        track_number=number(fields.get("track_number"), 32767),
        disc_number=number(fields.get("disc_number"), 32767),
        release_date=release_date(clean(album.get("release_date")), None),
        explicit=fields.get("explicit") if isinstance(fields.get("explicit"), bool) else None,
    )
    return as_entry(track, uri, moment(clean(item.get("added_at"))))


def _names(artists: Any) -> tuple[str, ...]:
    return texts([mapping(artist).get("name") for artist in (artists if isinstance(artists, list) else ())])


FORMAT = Format(recognises, read)
