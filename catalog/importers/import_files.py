"""Files into the catalog: read all of them first, then write, so that nothing is ever half imported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

from catalog.importers.parsed_file import MAX_NAME, ReadFile, clean
from catalog.ingest.name_links import name_known_links
from catalog.ingest.replace import ReplaceReport, replace_catalog
from catalog.models import Entry
from catalog.music.album_artists import with_album_artists
from catalog.music.records import ALBUM, LINK, CollectionRecord

NO_NAMES: Mapping[int, str] = {}
EMPTIED = (
    "“{}” lists nothing now; what it brought before is kept. If that is meant, remove it under Playlists & albums."
)
ALBUMS_LEFT = "not taken: albums, {} (the file names them without their songs, which Spotify says: connect an account)"
COUNTED = ("entries", "tracks", "duplicates", "new_tracks", "merged", "added", "updated", "gone", "moved")


@dataclass(slots=True)
class FileReport:
    """What one file brought. ``entries = tracks + skipped``; ``duplicates`` of the tracks were there already.

    ``errors`` are the lines that were not understood: "line 7: no title (…)".
    """

    name: str
    kind: str
    replaced: ReplaceReport
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json`` and the page."""
        skipped: Counter[str] = Counter()
        for collection in self.replaced.collections:
            skipped.update(collection.skipped)
        sums = {name: self.replaced.total(name) for name in COUNTED}
        collections = [collection.name for collection in self.replaced.collections]
        head = {"file": self.name, "kind": self.kind, "collections": collections}
        return {**head, **sums, "skipped": dict(skipped), "errors": self.errors, "notes": self.notes}


def import_files(
    files: Iterable[ReadFile], now: datetime, on_entries: Callable[[int], None] = lambda entries: None
) -> list[FileReport]:
    """Replace the collections that these files name. A file that is imported again updates its own collection.

    ``on_entries`` hears of each collection how many entries are in, once it is written.
    """
    reports = [_import(file, now, on_entries) for file in files]
    name_known_links()
    return reports


def _import(file: ReadFile, now: datetime, on_entries: Callable[[int], None]) -> FileReport:
    errors = [file.error] if file.error else []
    errors += [f"line {line.line}: {line.reason}" for line in file.skipped]
    collections = [_whole_albums(guard_against_empty(each)) for each in file.collections if not _is_named_album(each)]
    notes = [*file.notes, *([ALBUMS_LEFT.format(len(file.albums))] if file.albums else [])]
    replaced = replace_catalog(_told(collections, on_entries), now)
    doubts = [collection.problem for collection in collections if collection.problem]
    return FileReport(file.name, file.kind, replaced, errors, [*notes, *doubts])


def renamed(files: Iterable[ReadFile], names: Mapping[int, str]) -> list[ReadFile]:
    """The files with the names that a person gave their lists, by the lists' places among all.

    Keys stay: a newer export updates the same list, under the name that it has by then.
    """
    places = count()
    return [
        replace(file, collections=tuple(_renamed(each, names.get(next(places), "")) for each in file.collections))
        for file in files
    ]


def _renamed(collection: CollectionRecord, name: str) -> CollectionRecord:
    name = clean(name, MAX_NAME)
    return replace(collection, name=name) if name and name != collection.name else collection


def with_albums(file: ReadFile) -> ReadFile:
    """The file with the albums that it names among its lists: Spotify puts their songs in with the next sync."""
    return replace(file, collections=(*file.collections, *file.albums), albums=()) if file.albums else file


def _is_named_album(collection: CollectionRecord) -> bool:
    """Whether a link to an album has been followed already, after an earlier import."""
    if collection.kind != ALBUM:
        return False
    name = {"collection__account": "", "collection__kind": ALBUM, "collection__key": collection.key}
    return Entry.objects.filter(**name).exclude(reason=LINK).exists()


def _whole_albums(collection: CollectionRecord) -> CollectionRecord:
    entries = with_album_artists(collection.entries)
    return collection if entries is collection.entries else replace(collection, entries=entries)


def guard_against_empty(collection: CollectionRecord) -> CollectionRecord:
    """The record, incomplete where it holds nothing and did before: an export that broke off looks just like that."""
    name = {"account": collection.account, "kind": collection.kind, "key": collection.key}
    known = {f"collection__{field}": value for field, value in name.items()}
    if collection.entries or not Entry.objects.filter(**known).exists():
        return collection
    return replace(collection, complete=False, problem=EMPTIED.format(collection.name))


def _told(collections: Iterable[CollectionRecord], on_entries: Callable[[int], None]) -> Iterator[CollectionRecord]:
    """The collections; the next one is asked for once the one before is written."""
    for collection in collections:
        yield collection
        on_entries(len(collection.entries))


def totals(reports: Sequence[FileReport]) -> dict[str, Any]:
    """The sums over several files, and each of them under ``files``."""
    rows = [report.as_dict() for report in reports]
    skipped: Counter[str] = Counter()
    for row in rows:
        skipped.update(row["skipped"])
    sums: dict[str, Any] = {name: sum(row[name] for row in rows) for name in COUNTED}
    return sums | {
        "skipped": dict(skipped),
        "errors": [error for row in rows for error in row["errors"]],
        "files": rows,
    }
