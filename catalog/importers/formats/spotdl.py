"""spotDL's ``.spotdl`` files: what `save` and `sync` write, with lengths, ISRCs and ids. Pure JSON."""

from __future__ import annotations

from typing import Any

from catalog.importers.json_values import number, texts
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import (
    MAX_DURATION_MS,
    MAX_LABEL,
    MAX_NAME,
    ReadFile,
    Skipped,
    as_collection,
    as_entry,
    clean,
    collection_name,
    folded,
    limit_entries,
)
from catalog.importers.table_rows import release_date
from catalog.music.records import UNREADABLE, EntryRecord, TrackRecord, clean_isrc, spotify_id_of

KIND = "spotDL file"


def _songs(file: LibraryText) -> list[Any]:
    data = file.json.get("songs") if isinstance(file.json, dict) else file.json
    return data if isinstance(data, list) else []


def recognises(file: LibraryText) -> bool:
    return file.is_json and any(isinstance(song, dict) and "song_id" in song for song in _songs(file)[:5])


def read(file: LibraryText) -> ReadFile:
    """A collection for each list that the songs name."""
    songs = limit_entries(_songs(file), file.name)
    lists: dict[str, tuple[list[EntryRecord], list[Skipped]]] = {}
    for place, song in enumerate(songs, 1):
        name = clean(song.get("list_name"), MAX_NAME) if isinstance(song, dict) else ""
        entries, skipped = lists.setdefault(name, ([], []))
        entry, problem = _entry(song)
        entries.append(entry)
        if problem:
            skipped.append(Skipped(place, entry.label, problem))
    key, title = collection_name(file.name)
    collections = [
        as_collection(
            f"{key[: MAX_NAME // 2]}/{folded(name)}"[:MAX_NAME] if len(lists) > 1 else key,
            name or title,
            entries,
            len(skipped),
        )
        for name, (entries, skipped) in lists.items()
    ]
    misread = tuple(line for _, skipped in lists.values() for line in skipped)
    return ReadFile(file.name, KIND, tuple(collections), misread)


def _entry(song: Any) -> tuple[EntryRecord, str]:
    if not isinstance(song, dict):
        return EntryRecord(reason=UNREADABLE, label=clean(str(song), MAX_LABEL)), "it describes no song"
    artists = texts(song.get("artists")) or texts([song.get("artist")])
    seconds = song.get("duration")
    track = TrackRecord(
        title=clean(song.get("name")),
        artists=artists,
        album=clean(song.get("album_name")),
        album_artists=texts([song.get("album_artist")]),
        duration_ms=number(seconds * 1000 if isinstance(seconds, int | float) else None, MAX_DURATION_MS),
        isrc=clean_isrc(clean(song.get("isrc"))),
        spotify_id=spotify_id_of(clean(song.get("song_id")) or clean(song.get("url"))),
        album_spotify_id=spotify_id_of(clean(song.get("album_id"))),
        track_number=number(song.get("track_number"), 32767),
        disc_number=number(song.get("disc_number"), 32767),
        release_date=release_date(clean(song.get("date")), None),
        explicit=song.get("explicit") if isinstance(song.get("explicit"), bool) else None,
        cover_url=clean(song.get("cover_url")),
    )
    return as_entry(track, "")


FORMAT = Format(recognises, read)
