"""Exportify's CSV files, of both families and every column set since 2020, in any language. Pure.

exportify.app (github.com/watsonbox/exportify) joins artists with ", " and writes a comma inside a name as
``\\,``; exportify.net joins them with ";" and has neither ISRC nor addresses of artists.
"""

from __future__ import annotations

from catalog.importers import columns as col
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import ReadFile, UnreadableFile, as_collection, collection_name, shown
from catalog.importers.table_rows import layout_of, read_rows

KIND = "Exportify CSV"


def recognises(file: LibraryText) -> bool:
    return file.table is not None and col.URI in file.columns and col.TYPE not in file.columns


def read(file: LibraryText) -> ReadFile:
    """The collection in an Exportify table. Raises UnreadableFile where the column of titles or artists is missing."""
    assert file.table is not None
    for role, what in ((col.TITLE, "track name"), (col.ARTISTS, "artist name")):
        if role not in file.columns and file.table.sample:
            raise UnreadableFile(
                f"{shown(file.name)} has no column with the {what}: export it again and leave the columns as they are."
            )
    entries, skipped = read_rows(file.table.rows(), layout_of(file.table, file.columns))
    key, title = collection_name(file.name)
    return ReadFile(file.name, KIND, (as_collection(key, title, entries, len(skipped)),), tuple(skipped))


FORMAT = Format(recognises, read)
