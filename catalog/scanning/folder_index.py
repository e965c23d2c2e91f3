"""What the rows say of each folder of the library, read folder by folder and never row by row.

At a million tracks one row per track costs more than the disk does: the names of a folder come as one joined string.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Func, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat

from catalog.db.id_sets import id_subquery
from catalog.models import Folder, Track
from catalog.scanning.scan import AskRow, FolderRow, ScanResult
from catalog.text.path_key import path_key

CACHE_KB = 6000  # of SQLite's page cache during a pass
CHUNK = 1000  # folders at a time: about 12,000 names, 1 MB
Ids = dict[int, tuple[int, str]]  # of tracks: id -> (folder, file name)
COLUMNS = ("pk", *FolderRow._fields[1:])


class Joined(Func):
    """These values of all rows as one "/"-joined text: no file name contains a "/"."""

    function = "GROUP_CONCAT"
    template = "%(function)s(%(expressions)s, '/')"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """PostgreSQL's word for it."""
        return self.as_sql(compiler, connection, function="STRING_AGG", **context)


NAME = F("file_name")
NAME_AND_SIZE = Concat("file_name", Value("/", TextField()), Cast("size", TextField()))


@contextmanager
def small_cache() -> Iterator[None]:
    """A pass reads every page once: SQLite's page cache, 20 MB, would only make the process larger meanwhile."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA cache_size").fetchone()[0]
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA cache_size = {before}")


def in_chunks(scope: Q, after: int = 0) -> Iterator[list[FolderRow]]:
    """The folders of ``scope`` by key, beyond the id ``after``. Each chunk is a query of its own: no cursor stays open
    over the writes in between."""
    for chunk in _chunks(Folder.objects.filter(scope).values_list(*COLUMNS), after):
        yield [FolderRow(*row) for row in chunk]


def asks_in_chunks(scope: Q, sizes: bool, after: int = 0) -> Iterator[list[AskRow]]:
    """As `in_chunks`, each folder with what its rows expect of it: one query for all."""
    return _chunks(_asks(sizes).filter(scope), after)


def asks_of(folders: Sequence[int], sizes: bool = False) -> list[AskRow]:
    """What the rows expect of these folders."""
    return list(_asks(sizes).filter(pk__in=id_subquery(folders))) if folders else []


def _chunks(rows: QuerySet[Any, Any], after: int) -> Iterator[list[Any]]:
    while chunk := list(rows.filter(pk__gt=after).order_by("pk")[:CHUNK]):
        yield chunk
        after = chunk[-1][0]


def _asks(sizes: bool) -> QuerySet[Any, Any]:
    """Tracks of unknown size are not among the lost: nothing can be said of their files."""
    here = Track.objects.filter(folder=OuterRef("pk")).order_by()
    there = here.filter(status=Track.Status.DOWNLOADED).values_list(Joined(NAME_AND_SIZE if sizes else NAME))
    lost = here.filter(status=Track.Status.MISSING, size__isnull=False).values_list(Joined(NAME_AND_SIZE))
    return Folder.objects.values_list(*COLUMNS, Subquery(there), Subquery(lost))


def downloaded_between(first: int, last: int) -> dict[int, int]:
    """How many rows of each folder say that their file is there, for folder ids from ``first`` to ``last``."""
    rows = Track.objects.filter(status=Track.Status.DOWNLOADED, folder_id__gte=first, folder_id__lte=last)
    return dict(rows.values_list("folder_id").annotate(count=Count("*")).order_by())


def ids_of(status: str, names: dict[int, set[str]]) -> Ids:
    """The tracks with this status and these file names, by folder."""
    rows = (
        Track.objects.filter(status=status, folder_id__in=id_subquery(names)).order_by()
        if names
        else Track.objects.none()
    )
    columns = rows.values_list("pk", "folder_id", "file_name")
    return {pk: (folder, name) for pk, folder, name in columns if name in names[folder]}


def names_of_files(folders: Sequence[str]) -> dict[str, frozenset[str]]:
    """The names of the files that downloaded or reserving rows say are in these folders, given by their paths."""
    there = Track.objects.filter(folder=OuterRef("pk")).exclude(status=Track.Status.MISSING).order_by()
    rows = Folder.objects.filter(key__in=[path_key(folder) for folder in folders])
    joined = rows.values_list("path", Subquery(there.values_list(Joined(NAME))))
    return {path: frozenset(names.split("/")) for path, names in joined if names}


def known_folders() -> set[str]:
    """The paths of the folders in which a pass has seen files of ours, and of all folders above them."""
    known: set[str] = set()
    for path in Folder.objects.filter(rows__gt=0).values_list("path", flat=True).iterator():
        while path not in known:
            known.add(path)
            path = path.rpartition("/")[0]
    return known


def write_stamps(findings: Iterable[ScanResult], seen_at: datetime | None) -> int:
    """Write down what a pass saw of these folders. Rows written.

    One prepared statement for many rows: `bulk_update` builds a CASE per row and is ten times slower here.
    """
    columns = ("mtime_ns", "ctime_ns", "inode", "device", "rows", "seen_at")
    settings = ", ".join(f"{_quote(column)} = %s" for column in columns)
    statement = f"UPDATE {_quote(Folder._meta.db_table)} SET {settings} WHERE id = %s"  # noqa: S608  names of ours
    moment = connection.ops.adapt_datetimefield_value(seen_at) if seen_at else None
    rows = [(*(finding.stamp or (None,) * 4), finding.rows, moment, finding.folder) for finding in findings]
    if rows:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(statement, rows)
    return len(rows)


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)
