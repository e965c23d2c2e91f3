"""One conditional UPDATE of rows of tracks, and the events of the change, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from catalog.db.id_sets import id_list_sql
from catalog.models import Event, Folder, Track, TrackQuerySet
from catalog.models.hosts import own_name

BATCH = 500  # rows per statement and transaction: other writers wait some 20 ms, on a busy machine 40
NO_FOLDERS: Mapping[int, int] = {}


def change_row(
    track_id: int,
    guarded: TrackQuerySet,
    kind: str,
    reason: str,
    now: datetime,
    changes: dict[str, Any],
    by: str = "",
    error_kind: str = "",
) -> bool:
    """One conditional UPDATE of one row, and its event (``kind`` "": none). Its folder is no longer confirmed."""
    with transaction.atomic():
        if not guarded.filter(pk=track_id).update(**changes):
            return False
        Folder.objects.filter(tracks=track_id, mtime_ns__isnull=False).update(mtime_ns=None)
        if kind:
            Event.objects.record([track_id], kind, reason, now, by, error_kind)
    return True


def change_rows(
    rows: TrackQuerySet,
    kind: str,
    reason: str,
    now: datetime,
    changes: dict[str, Any],
    then: Callable[[list[int]], object] = lambda track_ids: None,
    by: str = "",
) -> int:
    """Change a set of rows, `BATCH` at a time, each batch with its events in a transaction of its own.

    ``then`` gets the ids of the rows of a batch, in the same transaction.
    """
    ids = list(rows.order_by().values_list("pk", flat=True))
    changed = 0
    for start in range(0, len(ids), BATCH):
        with transaction.atomic():
            still = locked(rows.filter(pk__in=ids[start : start + BATCH]))
            changed += Track.objects.filter(pk__in=still).update(**changes)
            Event.objects.record(still, kind, reason, now, by)
            then(still)
    return changed


def change_seen(
    seen: Mapping[int, str],
    folders: Mapping[int, int],
    status: str,
    kind: str,
    reason: str,
    now: datetime,
    changes: dict[str, Any],
) -> int:
    """Change the rows that still have this status, and file name and folder as read.

    Written out: of the 18 µs that a row took, 4 went into making SQL of the same querysets for every batch.
    """
    setting, values = _settings(changes)
    event = [connection.ops.adapt_datetimefield_value(now), kind, reason, own_name()]
    change = _Change(seen, folders, status, setting, values, event)
    ids = list(seen)
    changed = 0
    for start in range(0, len(ids), BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            by_one = connection.vendor == "postgresql"
            changed += (change.by_one_statement if by_one else change.by_three)(cursor, ids[start : start + BATCH])
    return changed


class _Change(NamedTuple):
    """What `change_seen` does to each batch: ``event`` is the time, kind, reason and host of the events."""

    seen: Mapping[int, str]
    folders: Mapping[int, int]
    status: str
    setting: str
    values: list[Any]
    event: list[Any]

    def by_one_statement(self, cursor: Any, ids: list[int]) -> int:
        """PostgreSQL: where the rows were locked and read before, each took 9 µs more of 41.

        The commit does not wait for the disk. If the server then loses it, a commit after it is lost as well, so the
        stamp of a folder is never newer than its rows, and the next pass sees the same files.
        """
        cursor.execute("SET LOCAL synchronous_commit = off")
        names, folders = [self.seen[pk] for pk in ids], [self.folders.get(pk) for pk in ids]
        seen = "SELECT unnest(%s::bigint[]) AS id, unnest(%s::text[]) AS name, unnest(%s::bigint[]) AS at"
        cursor.execute(
            f"WITH seen AS ({seen}), changed AS (UPDATE catalog_track SET {self.setting} FROM seen "  # noqa: S608
            "WHERE catalog_track.id = seen.id AND status = %s "
            "AND file_name = seen.name AND (seen.at IS NULL OR folder_id = seen.at) RETURNING catalog_track.id) "
            "INSERT INTO catalog_event (track_id, at, kind, reason, host) SELECT id, %s, %s, %s, %s FROM changed",
            [ids, names, folders, *self.values, self.status, *self.event],
        )
        return int(cursor.rowcount)

    def by_three(self, cursor: Any, ids: list[int]) -> int:
        """SQLite, whose UPDATE cannot be read by an INSERT."""
        these, batch = id_list_sql(ids)
        rows = f"SELECT id, folder_id, file_name FROM catalog_track WHERE id IN ({these}) AND status = %s"  # noqa: S608
        cursor.execute(rows, [*batch, self.status])
        seen, folders = self.seen, self.folders
        still = [pk for pk, at, name in cursor.fetchall() if name == seen[pk] and folders.get(pk, at) == at]
        if not still:
            return 0
        these, batch = id_list_sql(still)
        cursor.execute(f"UPDATE catalog_track SET {self.setting} WHERE id IN ({these})", [*self.values, *batch])  # noqa: S608
        changed = int(cursor.rowcount)
        # One event for each by one INSERT … SELECT: a million of them through objects take minutes.
        events = f"SELECT id, %s, %s, %s, %s FROM catalog_track WHERE id IN ({these})"  # noqa: S608
        cursor.execute(f"INSERT INTO catalog_event (track_id, at, kind, reason, host) {events}", [*self.event, *batch])
        return changed


class CaseByRow(NamedTuple):
    """To be written where it is later than what stands there."""

    moment: datetime


def _settings(changes: dict[str, Any]) -> tuple[str, list[Any]]:
    """What stands behind SET, and its parameters."""
    texts, values = [], []
    for column, value in changes.items():
        if isinstance(value, CaseByRow):
            texts.append(f"{column} = CASE WHEN {column} > %s THEN {column} ELSE %s END")
            values += [connection.ops.adapt_datetimefield_value(value.moment)] * 2
        else:
            texts.append(f"{column} = %s")
            values.append(connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value)
    return ", ".join(texts), values


def locked(rows: TrackQuerySet) -> list[int]:
    """The ids of ``rows``, locked: on PostgreSQL another process could change them between SELECT and UPDATE."""
    return list(rows.order_by().select_for_update().values_list("pk", flat=True))
