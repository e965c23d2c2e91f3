"""spotify-backup's files (github.com/caseychu/spotify-backup), as text and as JSON. Pure.

The text: a playlist's name on a line, then a line for each song with tabs between title, artists, album and address.
The JSON: playlists with the track objects of Spotify's API.
"""

from __future__ import annotations

from typing import Any

from catalog.importers.json_values import mapping, number, texts
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import (
    MAX_COLLECTIONS,
    MAX_DURATION_MS,
    MAX_ENTRIES,
    MAX_LABEL,
    MAX_NAME,
    ReadFile,
    Skipped,
    UnreadableFile,
    as_collection,
    as_entry,
    clean,
    collection_name,
    folded,
    moment,
    no_track,
    shown,
)
from catalog.importers.table_rows import release_date
from catalog.music.records import UNREADABLE, EntryRecord, TrackRecord, clean_isrc, spotify_id_of

KIND = "spotify-backup file"
_Lists = list[tuple[str, list[EntryRecord], list[Skipped]]]


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
    return any("name" in each and isinstance(each.get("tracks"), list) for each in map(mapping, lists[:5]))


def read(file: LibraryText) -> ReadFile:
    """A collection for each playlist."""
    lists = _json_lists(file.json) if file.is_json else _text_lists(file)
    if len(lists) > MAX_COLLECTIONS or sum(len(entries) for _, entries, _ in lists) > MAX_ENTRIES:
        raise UnreadableFile(f"{shown(file.name)} holds more than {MAX_ENTRIES:,} tracks: export it in parts.")
    base = collection_name(file.name)[0][: MAX_NAME // 2]
    collections = [
        as_collection(f"{base}/{folded(name)}"[:MAX_NAME], name, entries, len(skipped))
        for name, entries, skipped in lists
    ]
    return ReadFile(file.name, KIND, tuple(collections), tuple(line for *_, skipped in lists for line in skipped))


def _text_lists(file: LibraryText) -> _Lists:
    lists: _Lists = []
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


def _json_lists(data: list[Any]) -> _Lists:
    lists: _Lists = []
    for playlist in map(mapping, data):
        entries, skipped = [], []
        items = playlist.get("tracks")
        for place, item in enumerate(items if isinstance(items, list) else (), 1):
            entry, problem = _json_entry(mapping(item))
            entries.append(entry)
            if problem:
                skipped.append(Skipped(place, entry.label, problem))
        lists.append((clean(playlist.get("name"), MAX_NAME) or "Unnamed", entries, skipped))
    return lists


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
