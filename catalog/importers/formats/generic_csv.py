"""CSV whose first line names title and artist: TuneMyMusic, Soundiiz, Shazam, Google Takeout, iTunes, by hand. Pure.

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
    as_collection,
    clean,
    collection_name,
    folded,
    refuse_nonsense,
    shown,
)
from catalog.importers.table_rows import Layout, layout_of, read_row, skipped_row
from catalog.music.records import EntryRecord

KIND = "CSV with title and artist"
NOT_SONGS = {
    col.ALBUM_ROW: ("albums", " (the file names them, but not their tracks: connect Spotify to bring those)"),
    col.ARTIST_ROW: ("artists", ""),
    col.SHOW_ROW: ("podcasts", ""),
}


def recognises(file: LibraryText) -> bool:
    return file.table is not None and names_tracks(file.columns)


def read(file: LibraryText) -> ReadFile:
    """The collections in a table, one for each name of a playlist; what its rows list beside songs is noted."""
    assert file.table is not None
    layout = layout_of(file.table, file.columns)
    others: Counter[str] = Counter()
    skipped: list[Skipped] = []
    lists: dict[str, tuple[list[EntryRecord], list[Skipped]]] = {}
    for row in _songs(file.table.rows(), layout, others):
        entries, misread = lists.setdefault(clean(layout.cell(row, col.PLAYLIST), MAX_NAME), ([], []))
        entry, problem = read_row(row, layout)
        entries.append(entry)
        if problem:
            misread.append(skipped_row(row, problem))
        if len(lists) > MAX_COLLECTIONS:
            raise UnreadableFile(f"{shown(file.name)} names more than {MAX_COLLECTIONS:,} lists: export it again.")
    if others and not lists:
        raise UnreadableFile(f"{shown(file.name)} lists {_named(others)} and no songs: export playlists instead.")
    collections = []
    for playlist, (entries, misread) in (lists or {"": ([], [])}).items():
        collections.append(as_collection(*_key_and_name(file.name, playlist), entries, len(misread)))
        skipped += misread
    notes = [f"not taken: {what}, {others[kind]}{why}" for kind, (what, why) in NOT_SONGS.items() if others[kind]]
    read_file = ReadFile(file.name, KIND, tuple(collections), tuple(skipped), tuple(notes))
    refuse_nonsense(read_file, "export it again, or name the columns in the first line")
    return read_file


def _songs(rows: Iterator[Row], layout: Layout, others: Counter[str]) -> Iterator[Row]:
    """The rows that are songs; the others are counted."""
    for row in rows:
        kind = col.KINDS.get(layout.cell(row, col.TYPE).lower(), col.SONG)
        if kind == col.SONG:
            yield row
        else:
            others[kind] += 1


def _named(others: Counter[str]) -> str:
    return " and ".join(what for kind, (what, _) in NOT_SONGS.items() if others[kind])


def _key_and_name(file_name: str, playlist: str) -> tuple[str, str]:
    key, title = collection_name(file_name)
    return (f"{key[: MAX_NAME // 2]}/{folded(playlist)}"[:MAX_NAME], playlist) if playlist else (key, title)


FORMAT = Format(recognises, read)
