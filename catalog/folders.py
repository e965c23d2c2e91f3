"""What the rows say of each folder of the library, read folder by folder and never row by row.

At a million tracks one row per track costs more than the disk does: the names of a folder come as one joined string.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Aggregate, Count, Q, TextField
from django.db.models.functions import Cast

from catalog.looking import Ask, Finding, Known
from catalog.many import many
from catalog.models import Folder, Track, TrackQuerySet

CACHE_KB = 6000  # of SQLite's page cache during a pass
CHUNK = 1000  # folders at a time: about 12,000 names, 1 MB


class Joined(Aggregate):
    """The values of a group as one "/"-joined text: no file name contains a "/". Several of them keep one order."""

    function = "GROUP_CONCAT"
    template = "%(function)s(%(expressions)s, '/')"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """PostgreSQL's word for it."""
        return self.as_sql(compiler, connection, function="STRING_AGG", **context)


class Names(NamedTuple):
    """The files of a folder as its rows have them, "/"-joined in one order."""

    rows: int
    names: str
    sizes: str


NOTHING = Names(0, "", "")


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


def in_chunks(scope: Q, after: int = 0, size: int = CHUNK) -> Iterator[list[Known]]:
    """The folders of ``scope`` by key, beyond the id ``after``. Each chunk is a query of its own: no cursor stays open
    over the writes in between."""
    columns = ("pk", *Known._fields[1:])
    while True:
        rows = Folder.objects.filter(scope, pk__gt=after).order_by("pk").values_list(*columns)[:size]
        chunk = [Known(*row) for row in rows]
        if not chunk:
            return
        yield chunk
        after = chunk[-1].folder


def downloaded_between(first: int, last: int) -> dict[int, int]:
    """How many rows of each folder say that their file is there, for folder ids from ``first`` to ``last``."""
    rows = _between(Track.objects.filter(status=Track.Status.DOWNLOADED), first, last)
    return dict(rows.values_list("folder_id").annotate(count=Count("*")).order_by())


def names_between(status: str, first: int, last: int, sizes: bool) -> dict[int, Names]:
    """The file names of each folder, of tracks with this status; their sizes too where asked for."""
    return _joined(_between(Track.objects.filter(status=status), first, last), sizes)


def names_in(status: str, folders: Sequence[int], sizes: bool) -> dict[int, Names]:
    """As `names_between`, for these folders."""
    return _joined(Track.objects.filter(status=status, folder_id__in=many(folders)), sizes) if folders else {}


def _between(tracks: TrackQuerySet, first: int, last: int) -> TrackQuerySet:
    return tracks.filter(folder_id__gte=first, folder_id__lte=last)


def _joined(tracks: TrackQuerySet, sizes: bool) -> dict[int, Names]:
    """Tracks of unknown size are left out where sizes are asked for: nothing can be said of their files."""
    rows = tracks.values_list("folder_id").order_by().annotate(count=Count("*"), names=Joined("file_name"))
    if not sizes:
        return {folder: Names(count, names, "") for folder, count, names in rows}
    rows = rows.filter(size__isnull=False).annotate(sizes=Joined(Cast("size", TextField())))
    return {folder: Names(count, names, joined) for folder, count, names, joined in rows}


def ask_of(known: Known, downloaded: Names, lost: Names) -> Ask:
    """The question to the disk that follows from a folder's rows."""
    stamp = None
    if known.mtime_ns is not None:
        stamp = (known.mtime_ns, known.ctime_ns or 0, known.inode or 0, known.device or 0)
    return Ask(known.folder, known.path, stamp, known.rows, downloaded.names, downloaded.sizes, lost.names, lost.sizes)


def ids_of(status: str, names: dict[int, set[str]]) -> dict[int, tuple[int, str]]:
    """The ids of the tracks with this status and these file names: id -> (folder, file name)."""
    rows = Track.objects.filter(status=status, folder_id__in=many(names)).order_by() if names else Track.objects.none()
    found = rows.values_list("pk", "folder_id", "file_name")
    return {pk: (folder, name) for pk, folder, name in found if name in names[folder]}


def write_stamps(findings: Iterable[Finding], seen_at: datetime | None) -> int:
    """Write down what a pass saw of these folders. Rows written.

    One prepared statement for many rows: `bulk_update` builds a CASE per row and is ten times slower here.
    """
    columns = ("mtime_ns", "ctime_ns", "inode", "device", "rows", "seen_at")
    settings = ", ".join(f"{_quote(column)} = %s" for column in columns)
    statement = f"UPDATE {_quote(Folder._meta.db_table)} SET {settings} WHERE id = %s"  # noqa: S608  names of ours
    moment = connection.ops.adapt_datetimefield_value(seen_at) if seen_at else None
    rows = [(*(found.stamp or (None,) * 4), found.rows, moment, found.folder) for found in findings]
    if rows:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(statement, rows)
    return len(rows)


def _quote(name: str) -> str:
    return connection.ops.quote_name(name)
