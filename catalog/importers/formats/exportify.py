"""Exportify's CSV files, of both families and every column set since 2020, in any language. Pure.

exportify.app (github.com/watsonbox/exportify) joins artists with ", " and writes a comma inside a name as
``\\,``; exportify.net joins them with ";" and has neither ISRC nor addresses of artists.
"""

from __future__ import annotations

from catalog.importers import columns as col
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import (
    ReadFile,
    Skipped,
    UnreadableFile,
    as_collection,
    collection_name,
    link_entry,
    no_track,
    note_on_links,
    refuse_nonsense,
    shown,
)
from catalog.importers.table_rows import layout_of, read_rows, skipped_row
from catalog.music.records import UNREADABLE, EntryRecord, spotify_id_of

KIND = "Exportify CSV"


def recognises(file: LibraryText) -> bool:
    return file.table is not None and col.URI in file.columns and col.TYPE not in file.columns


def read(file: LibraryText) -> ReadFile:
    """The collection in an Exportify table. Raises UnreadableFile where the column of titles or artists is missing."""
    assert file.table is not None
    if col.TITLE not in file.columns and col.ARTISTS not in file.columns:
        return _links(file)
    for role, what in ((col.TITLE, "track name"), (col.ARTISTS, "artist name")):
        if role not in file.columns and file.table.sample:
            raise UnreadableFile(
                f"{shown(file.name)} has no column with the {what}: export it again and leave the columns as they are."
            )
    entries, skipped = read_rows(file.table.rows(), layout_of(file.table, file.columns))
    key, title = collection_name(file.name)
    return ReadFile(file.name, KIND, (as_collection(key, title, entries, len(skipped)),), tuple(skipped))


def _links(file: LibraryText) -> ReadFile:
    """A table of ids alone."""
    assert file.table is not None
    entries: list[EntryRecord] = []
    skipped: list[Skipped] = []
    for row in file.table.rows():
        uri = row.cells[file.columns[col.URI]].strip()
        found = "" if row.flaw or no_track(uri) else spotify_id_of(uri)
        entries.append(link_entry(found) if found else EntryRecord(reason=no_track(uri) or UNREADABLE, label=uri))
        if not found and not no_track(uri):
            skipped.append(skipped_row(row, row.flaw or "there is no Spotify id"))
    collection = as_collection(*collection_name(file.name), entries, len(skipped))
    read_file = ReadFile(file.name, "list of Spotify ids", (collection,), tuple(skipped), note_on_links([collection]))
    refuse_nonsense(read_file, "export it again")
    return read_file


FORMAT = Format(recognises, read)
