"""CSV whose first line names title and artist: TuneMyMusic, Soundiiz, Shazam, Google Takeout, iTunes, by hand; JSON
whose songs have fields so named. Pure.

A file may hold several lists, each row naming its own, and rows that are no songs: TuneMyMusic's "My Spotify Library"
lists albums and artists beside them, told by the column of types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from catalog.importers import columns as col
from catalog.importers.csv_table import Row
from catalog.importers.library_text import Format, LibraryText, names_tracks
from catalog.importers.parsed_file import (
    MAX_COLLECTIONS,
    MAX_NAME,
    ReadFile,
    Skipped,
    UnreadableFile,
    album_link,
    as_collection,
    clean,
    collection_name,
    list_key,
    no_track,
    refuse_nonsense,
    shown,
)
from catalog.importers.table_rows import Layout, layout_of, read_row, skipped_row
from catalog.music.records import CollectionRecord, EntryRecord, spotify_id_of

KIND, KIND_JSON = "CSV with title and artist", "JSON with title and artist"
NOT_SONGS = {
    col.ALBUM_ROW: ("albums", " (the file says neither their songs nor their Spotify ids)"),
    col.ARTIST_ROW: ("artists", ""),
    col.SHOW_ROW: ("podcasts", ""),
}


def recognises(file: LibraryText) -> bool:
    return file.table is not None and names_tracks(file.columns) and not col.is_album_list(file.table, file.columns)


def read(file: LibraryText) -> ReadFile:
    """The collections in a table, one for each name of a playlist; what its rows list beside songs is noted."""
    assert file.table is not None
    layout = layout_of(file.table, file.columns)
    others: Counter[str] = Counter()
    albums: dict[str, CollectionRecord] = {}
    skipped: list[Skipped] = []
    lists: dict[str, tuple[list[EntryRecord], list[Skipped]]] = {}
    for row in _songs(file.table.rows(), layout, others, albums):
        entries, misread = lists.setdefault(clean(layout.cell(row, col.PLAYLIST), MAX_NAME), ([], []))
        entry, problem = read_row(row, layout)
        entries.append(entry)
        if problem:
            misread.append(skipped_row(row, problem))
        if len(lists) > MAX_COLLECTIONS:
            raise UnreadableFile(f"{shown(file.name)} names more than {MAX_COLLECTIONS:,} lists: export it again.")
    if others and not lists and not albums:
        raise UnreadableFile(f"{shown(file.name)} lists {_named(others)} and no songs: export playlists instead.")
    collections = []
    for playlist, (entries, misread) in (lists or ({} if albums else {"": ([], [])})).items():
        collections.append(as_collection(*_key_and_name(file.name, playlist), entries, len(misread)))
        skipped += misread
    notes = [f"not taken: {what}, {others[kind]}{why}" for kind, (what, why) in NOT_SONGS.items() if others[kind]]
    named = tuple(albums.values())
    if len(lists) + len(named) > MAX_COLLECTIONS:
        raise UnreadableFile(f"{shown(file.name)} names more than {MAX_COLLECTIONS:,} lists and albums.")
    read_file = ReadFile(
        file.name, KIND_JSON if file.is_json else KIND, tuple(collections), tuple(skipped), tuple(notes), albums=named
    )
    refuse_nonsense(read_file, "export it again, or name the columns in the first line")
    return read_file


def _songs(
    rows: Iterator[Row], layout: Layout, others: Counter[str], albums: dict[str, CollectionRecord]
) -> Iterator[Row]:
    """The rows that are songs; albums that can be asked for are collected by their ids, the others are counted."""
    for row in rows:
        kind = col.KINDS.get(layout.cell(row, col.TYPE).lower(), col.SONG)
        if kind == col.SONG:
            yield row
        elif kind == col.ALBUM_ROW and (album := _album(row, layout)):
            albums.setdefault(album.key, album)
        else:
            others[kind] += 1


def _album(row: Row, layout: Layout) -> CollectionRecord | None:
    uri = layout.cell(row, col.ALBUM_URI) or layout.cell(row, col.URI) or layout.cell(row, col.SPOTIFY)
    spotify_id = "" if no_track(uri) else spotify_id_of(uri)
    return album_link(spotify_id, layout.cell(row, col.TITLE) or layout.cell(row, col.ALBUM)) if spotify_id else None


def _named(others: Counter[str]) -> str:
    return " and ".join(what for kind, (what, _) in NOT_SONGS.items() if others[kind])


def _key_and_name(file_name: str, playlist: str) -> tuple[str, str]:
    key, title = collection_name(file_name)
    return (list_key(file_name, playlist), playlist) if playlist else (key, title)


FORMAT = Format(recognises, read)
