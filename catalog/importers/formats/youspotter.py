"""YouSpotter's SQLite database: its tracks, and the songs in the JSON of its settings (catalog, queue). Pure.

Its rows name artist, title and seconds; later versions add an album, ids and a path. What it kept of failures and
retries is not taken over: every song that is not on disk is tried anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from catalog.importers.json_values import number
from catalog.importers.parsed_file import (
    MAX_DURATION_MS,
    MAX_ENTRIES,
    ReadFile,
    UnreadableFile,
    as_entry,
    clean,
    collection_name,
    file_of_lists,
    limit_entries,
    read_items,
    shown,
)
from catalog.music.records import EntryRecord, TrackRecord, clean_isrc, spotify_id_of

KIND = "YouSpotter database"
HEAD = b"SQLite format 3\x00"
MAX_SECONDS = 10_000  # a larger length is in milliseconds
KEY_VALUES = ("settings", "kvstore")
NO_SONGS = "{} is a database, but none of YouSpotter's: give its youspotter.db, or an export."


def recognises(data: bytes) -> bool:
    return data.startswith(HEAD)


def read(data: bytes, name: str) -> ReadFile:
    """Its songs as one collection, each once. Raises UnreadableFile where it holds none or is damaged."""
    with closing(sqlite3.connect(":memory:")) as database:
        # A copy of a database in WAL mode opens only as one that is not: bytes 18 and 19 (sqlite.org/fileformat.html).
        database.deserialize(data[:18] + b"\x01\x01" + data[20:])
        try:
            database.execute("PRAGMA trusted_schema = OFF")
            songs = limit_entries(list(islice(_songs(database), MAX_ENTRIES + 1)), name)
        except sqlite3.DatabaseError as error:
            raise UnreadableFile(f"{shown(name)} is damaged ({error}): copy it while YouSpotter is stopped.") from None
    if not songs:
        raise UnreadableFile(NO_SONGS.format(shown(name)))
    entries, skipped = read_items(songs, _entry)
    best: dict[tuple[object, ...], EntryRecord] = {}
    for place, entry in enumerate(entries):
        track = entry.track
        key = (track.title.casefold(), tuple(map(str.casefold, track.artists))) if track else (place,)
        if key not in best or (track and _facts(track) > _facts(best[key].track)):
            best[key] = entry
    key_name, title = collection_name(name.removesuffix(".db").removesuffix(".sqlite3"))
    return file_of_lists(name, KIND, [(title, list(best.values()), skipped)], lambda *_: key_name)


def _songs(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "tracks" in tables:
        cursor = database.execute("SELECT * FROM tracks")
        columns = [column[0] for column in cursor.description]
        if {"artist", "title"} <= set(columns):
            yield from (dict(zip(columns, row, strict=True)) for row in cursor)
    for table in KEY_VALUES:
        if table in tables:
            for (value,) in database.execute(f"SELECT value FROM {table}"):  # noqa: S608  one of two names
                if isinstance(value, str) and '"title"' in value:
                    yield from _within(value)


def _within(text: str) -> Iterator[dict[str, Any]]:
    """The songs anywhere in a JSON value: its catalog and its queue are stored as such."""
    try:
        todo = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while todo:
        value = todo.pop()
        if isinstance(value, dict) and {"artist", "title"} <= value.keys():
            yield value
        elif isinstance(value, dict | list):
            todo += reversed(list(value.values() if isinstance(value, dict) else value))


def _entry(song: dict[str, Any]) -> tuple[EntryRecord, str]:
    artists = [clean(name) for name in (song["artist"], *_list(song.get("artists"))) if clean(name)]
    track = TrackRecord(
        title=clean(song["title"]),
        artists=tuple(dict.fromkeys(artists)),
        album=clean(song.get("album")),
        duration_ms=_milliseconds(song),
        isrc=clean_isrc(clean(song.get("isrc"))),
        spotify_id=spotify_id_of(clean(song.get("spotify_id") or song.get("track_id"))),
    )
    return as_entry(track, f"spotify:track:{track.spotify_id}" if track.spotify_id else "")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _milliseconds(song: dict[str, Any]) -> int | None:
    exact, plain = song.get("duration_ms"), song.get("duration")
    if isinstance(plain, int | float) and not exact:
        exact = plain * 1000 if plain < MAX_SECONDS else plain
    return number(exact, MAX_DURATION_MS)


def _facts(track: TrackRecord | None) -> int:
    """How much is known of a song: its row in the queue often says less than the one in the catalog."""
    return sum(map(bool, (track.album, track.duration_ms, track.isrc, track.spotify_id))) if track else -1
