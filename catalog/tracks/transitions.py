"""The states of a track, and the only code that changes them.

    missing      --claim-->      downloading     worker       attempts + 1, token, deadline
    downloading  --reserve-->    downloading     worker       final path and size, before the file is linked in
    downloading  --finish-->     downloaded      worker       error, cooldown and attempts cleared
    downloading  --fail-->       missing         worker       last_error, error_kind, retry_after
    downloading  --release-->    missing         worker       stopped, disk full, service down: attempt given back
    downloading  --recover-->    downloaded      anyone, once the deadline has passed: the reserved file is there
                                 missing         … anything else
    downloaded   --vanish-->     missing         reconcile    the file is gone; path and size stay as last known place
    missing      --restore-->    downloaded      reconcile    the file of the recorded size is back at its place
    missing      --adopt-->      downloaded      adopt, relink: a file that carries our id, or a person confirmed
    missing      --retry-->      missing         a person     retry_after now, attempts 0
    downloaded   --move-->       downloaded      bin, person  its file was moved inside the library, there and back
    downloaded   --replace-->    missing         a person     wants another recording: the file is no longer the track's

Every transition is one conditional UPDATE whose WHERE names what was read. It answers how many rows it changed (or
whether it changed its row): 0 means that somebody else was first, and that is fine. The event that tells of a change is
written in the same transaction. ``now`` is always given by the caller: no clock is read here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from django.db import IntegrityError, connection, transaction
from django.db.models import Case, Exists, F, Field, OuterRef, Q, Subquery, TextField, Value, When
from django.db.models.functions import Concat

from catalog.db.id_sets import id_list_sql
from catalog.models import Entry, Event, Folder, Track, TrackQuerySet
from catalog.music.path_template import path_key
from catalog.tracks.wanted import refresh_wanted_flags

LEASE = timedelta(minutes=2)  # a worker that is silent for so long has lost its track
RENEW_EVERY = timedelta(seconds=15)
BATCH = 500  # rows per statement and transaction: other writers wait some 20 ms, on a busy machine 40

Status = Track.Status
Kind = Event.Kind

# What every end of a claim clears.
UNCLAIMED: dict[str, Any] = {"claim": None, "claim_until": None, "reserved": False, "progress": 0}
NO_PLACE: dict[str, Any] = {"local_path": "", "folder_id": None, "file_name": "", "name_key": "", "size": None}
NO_ERROR: dict[str, Any] = {"last_error": "", "error_kind": "", "attempts": 0}
NO_FOLDERS: Mapping[int, int] = {}


class PlaceTaken(Exception):
    """Another track holds this path, or one that is the same file on some disks. Take the next name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file is: ``root`` is the absolute music folder, ``folder`` relative to it ("" is the root itself)."""

    root: str
    folder: str
    file_name: str

    @property
    def path(self) -> str:
        return "/".join(part for part in (self.root.rstrip("/"), self.folder, self.file_name) if part)

    @property
    def relative(self) -> str:
        return f"{self.folder}/{self.file_name}" if self.folder else self.file_name

    @classmethod
    def of(cls, root: str, relative: str) -> Place:
        """The place of a "/"-separated path relative to ``root``."""
        folder, _, file_name = relative.rpartition("/")
        return cls(root, folder, file_name)

    def in_known_folder(self) -> Place:
        """The same place, its folder spelt as its row has it: on many disks both spellings are one folder."""
        return Place(self.root, folder_row(self.folder).path, self.file_name)

    def columns(self) -> dict[str, Any]:
        """The columns that name a place. Makes the folder's row where it is new.

        Raises PlaceTaken where the catalog knows this folder under another spelling: two folders that are one on
        many disks cannot both have a row.
        """
        folder = folder_row(self.folder)
        if folder.path != self.folder:
            raise PlaceTaken(self.relative)
        return {
            "local_path": self.path,
            "folder": folder,
            "file_name": self.file_name,
            "name_key": path_key(self.file_name),
        }


def folder_row(path: str) -> Folder:
    """The row of a folder, found by its key: ``Ecole`` and ``ecole`` are one folder on many disks."""
    return Folder.objects.get_or_create(key=path_key(path), defaults={"path": path})[0]


# --- Wanted -----------------------------------------------------------------------------------------------


def set_wanted(track_ids: Iterable[int] | None = None) -> int:
    """Bring ``wanted`` in line with entries and ignores, for all tracks or for some. Rows changed.

    Independent of status: a file whose track is no longer wanted stays where it is.
    """
    batches = _all_tracks() if track_ids is None else _batches(list(track_ids))
    return sum(_set_wanted(Track.objects.filter(pk__in=batch)) for batch in batches)


def _all_tracks() -> Iterator[Sequence[int]]:
    """The ids of all tracks, `BATCH` at a time: no transaction over all of them, no list of all of them."""
    last = 0
    while batch := list(Track.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield batch
        last = batch[-1]


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _set_wanted(tracks: TrackQuerySet) -> int:
    asked_for = Exists(Entry.objects.filter(track=OuterRef("pk"), collection__enabled=True))
    with transaction.atomic():
        gained = tracks.filter(asked_for, wanted=False, ignored=False).update(wanted=True)
        lost = tracks.filter(~asked_for | Q(ignored=True), wanted=True).update(wanted=False)
        # Also where nothing was gained: a track that was wanted already may have come to another album.
        refresh_wanted_flags(tracks)
    return gained + lost


def ignore(tracks: TrackQuerySet, now: datetime, reason: str = "") -> int:
    """A person does not want these tracks fetched. Files stay."""
    return _change_rows(tracks.filter(ignored=False), Kind.IGNORE, reason, now, {"ignored": True}, then_wanted=True)


def want_again(tracks: TrackQuerySet, now: datetime, reason: str = "") -> int:
    """Undo `ignore`."""
    return _change_rows(tracks.filter(ignored=True), Kind.WANT, reason, now, {"ignored": False}, then_wanted=True)


# --- A worker's track -------------------------------------------------------------------------------------


# `TrackQuerySet.queue`, written out: to make it of objects took as long as the claim itself.
DUE = f"status = '{Status.MISSING}' AND wanted AND retry_after <= %s"
FIRST_DUE = f"{DUE} ORDER BY retry_after, id LIMIT 1"


def claim(now: datetime, lease: timedelta = LEASE) -> Track | None:
    """Lease the track that has been due the longest; None where the queue is empty."""
    return _lease(FIRST_DUE, [now], now + lease)


def claim_one(track_id: int, now: datetime, lease: timedelta = LEASE) -> Track | None:
    """Lease one given track, if it is missing, wanted and due."""
    return _lease(f"id = %s AND {DUE}", [track_id, now], now + lease)


def _lease(which: str, params: Sequence[Any], until: datetime) -> Track | None:
    """Lease the track of this WHERE, by one statement that answers its row.

    The SELECT skips rows that another worker is just claiming (PostgreSQL; SQLite has one writer at a time). "=", not
    IN: PostgreSQL may run an IN's SELECT more than once, and each run would lock another row. Not through the ORM:
    its UPDATE answers no row, and its `select_for_update` wants BEGIN and COMMIT around it.
    """
    skip = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    leased = Track.objects.raw(
        f"UPDATE catalog_track SET status = '{Status.DOWNLOADING}', attempts = attempts + 1, "  # noqa: S608  ours
        "claim = %s, claim_until = %s, reserved = FALSE, progress = 0 "
        f"WHERE id = (SELECT id FROM catalog_track WHERE {which}{skip}) "
        f"AND status = '{Status.MISSING}' AND wanted RETURNING *",
        [secrets.token_hex(16), until, *params],
    )
    return next(iter(list(leased)), None)  # to the last row: before that SQLite does not commit


def _held(track_id: int, token: str) -> TrackQuerySet:
    """The row, as long as this worker still holds it."""
    return Track.objects.filter(pk=track_id, status=Status.DOWNLOADING, claim=token)


def holds(track_id: int, token: str, now: datetime) -> bool:
    """Whether this worker's lease on the track still runs."""
    return _held(track_id, token).filter(claim_until__gte=now).exists()


def reservation(track_id: int, token: str, path: str) -> TrackQuerySet:
    """The row, as long as this worker holds it and has reserved ``path``: to be locked by who acts on that place."""
    return _held(track_id, token).filter(reserved=True, local_path=path)


def renew(track_id: int, token: str, now: datetime, percent: int | None = None, lease: timedelta = LEASE) -> bool:
    """Extend the lease and write down the progress. False: the track is no longer ours, stop."""
    changes: dict[str, Any] = {"claim_until": now + lease}
    if percent is not None:
        changes["progress"] = max(0, min(100, percent))
    return bool(_held(track_id, token).update(**changes))


def reserve(track_id: int, token: str, place: Place, size: int, now: datetime) -> bool:
    """Write down where the file will be, before it is linked in. False: the track is no longer ours.

    Raises PlaceTaken where another row holds the place, also under another case or normal form. A worker whose
    deadline has passed may not reserve: recovery may be looking at the row already.
    """
    try:
        with transaction.atomic():
            return bool(
                _held(track_id, token).filter(claim_until__gte=now).update(**place.columns(), size=size, reserved=True)
            )
    except IntegrityError as error:
        raise PlaceTaken(place.relative) from error


def finish(track_id: int, token: str, now: datetime, kind: str = Kind.FINISH, reason: str = "") -> bool:
    """The reserved file is in its place. False: somebody else decided about the track."""
    return _change_row(track_id, _held(track_id, token).filter(reserved=True), kind, reason, now, _has_file(now))


def _has_file(now: datetime) -> dict[str, Any]:
    return {**UNCLAIMED, **NO_ERROR, "status": Status.DOWNLOADED, "last_seen": now, "retry_after": now}


def fail(track_id: int, token: str, kind: str, message: str, retry_after: datetime, now: datetime) -> bool:
    """The track's own failure: it cools down until ``retry_after``. A reservation is taken back."""
    changes = {"last_error": message or kind, "error_kind": kind, "retry_after": retry_after}
    return _give_up(track_id, token, Kind.FAIL, message or kind, now, changes)


def release(track_id: int, token: str, now: datetime, due: datetime | None = None) -> bool:
    """Nobody's failure (a stop, a pause, a full disk): the attempt is given back; due at once, or at ``due``."""
    given_back = Case(When(attempts__gt=0, then=F("attempts") - 1), default=0)
    return _give_up(track_id, token, "", "", now, {"retry_after": due or now, "attempts": given_back})


def _give_up(track_id: int, token: str, kind: str, reason: str, now: datetime, changes: dict[str, Any]) -> bool:
    changes = {**UNCLAIMED, **_place_if_reserved(), "status": Status.MISSING, **changes}
    return _change_row(track_id, _held(track_id, token), kind, reason, now, changes)


def _place_if_reserved() -> dict[str, Any]:
    """Clear the place where it was only reserved, in the same UPDATE; a last known place stays."""
    return {
        column: Case(
            When(reserved=True, then=Value(empty)),
            default=F(column),
            output_field=cast("Field[Any, Any]", Track._meta.get_field(column)),
        )
        for column, empty in NO_PLACE.items()
    }


# --- After a crash ----------------------------------------------------------------------------------------


def recover_downloaded(track: Track, now: datetime, reason: str = "") -> bool:
    """A worker died after it had linked the reserved file in. ``track`` is the row as read."""
    abandoned = _abandoned(track, now).filter(reserved=True, local_path=track.local_path)
    return _change_row(track.pk, abandoned, Kind.RECOVER, reason, now, _has_file(now))


def recover_missing(track: Track, retry_after: datetime, now: datetime, reason: str = "") -> bool:
    """A worker died before it had published anything. The attempt counts: it may be the track that kills workers."""
    changes = {**UNCLAIMED, **_place_if_reserved(), "status": Status.MISSING, "retry_after": retry_after}
    return _change_row(track.pk, _abandoned(track, now), Kind.RECOVER, reason, now, changes)


def _abandoned(track: Track, now: datetime) -> TrackQuerySet:
    """The row, if it is still under the token as read and the deadline has still passed."""
    return Track.objects.expired(now).filter(pk=track.pk, claim=track.claim)


# --- After a clock was set back ----------------------------------------------------------------------------


def shorten_leases(now: datetime) -> int:
    """A lease that ends further ahead than any is given ends after an ordinary one. Rows changed.

    Not at once: its worker may be well and renew it within seconds.
    """
    far = Track.objects.filter(status=Status.DOWNLOADING, claim_until__gt=now + LEASE + RENEW_EVERY)
    return far.update(claim_until=now + LEASE)


def shorten_rests(believed: Sequence[timedelta], rests: Sequence[timedelta], now: datetime) -> int:
    """A missing track that is to rest longer than the table ``rests`` gives, rests as long as it gives. Rows changed.

    ``rests[n]`` is the longest rest after n attempts, the last one that after more. Only rests longer than the
    shortest of ``believed`` are looked at: those of a week and more are few, all of them may be a million.
    """
    last = len(rests) - 1
    steps = [Q(attempts=step) if step < last else Q(attempts__gte=step) for step in range(len(rests))]
    far = Q()
    for step, rest in zip(steps, rests, strict=True):
        far |= step & Q(retry_after__gt=now + rest + RENEW_EVERY)
    ends = Case(*(When(step, then=Value(now + rest)) for step, rest in zip(steps, rests, strict=True)))
    too_late = Track.objects.filter(far, status=Status.MISSING, retry_after__gt=now + min(believed) + RENEW_EVERY)
    changed = 0
    while batch := list(too_late.order_by().values_list("pk", flat=True)[:BATCH]):
        changed += too_late.filter(pk__in=batch).update(retry_after=ends)
    return changed


# --- What reconcile, adopt and people find ----------------------------------------------------------------


def vanish(
    seen: Mapping[int, str],
    now: datetime,
    last_seen: datetime | None = None,
    reason: str = "",
    folders: Mapping[int, int] = NO_FOLDERS,
) -> int:
    """The files of these tracks are gone; ``seen`` is track id -> file name as read, ``folders`` -> folder id as read.

    Path and size stay as the last known place. ``last_seen`` is the end of the last completed pass that saw them.
    Answers the rows changed.
    """
    changes: dict[str, Any] = {"status": Status.MISSING, "retry_after": now, "attempts": 0}
    if last_seen:
        changes["last_seen"] = CaseByRow(last_seen)
    return _change_seen(seen, folders, Status.DOWNLOADED, Kind.VANISH, reason, now, changes)


def restore(seen: Mapping[int, str], now: datetime, reason: str = "", folders: Mapping[int, int] = NO_FOLDERS) -> int:
    """Files of the recorded size are (again) at the last known places of these missing tracks. Rows changed."""
    changes = {**NO_ERROR, "status": Status.DOWNLOADED, "last_seen": now, "retry_after": now}
    return _change_seen(seen, folders, Status.MISSING, Kind.RESTORE, reason, now, changes)


def adopt(track_id: int, place: Place, size: int, now: datetime, reason: str = "") -> bool:
    """A file that is already in the library is this missing track's. Raises PlaceTaken as `reserve` does."""
    missing = Track.objects.filter(status=Status.MISSING)
    try:
        with transaction.atomic():
            changes = _has_file(now) | place.columns() | {"size": size}
            return _change_row(track_id, missing, Kind.ADOPT, reason, now, changes)
    except IntegrityError as error:
        raise PlaceTaken(place.relative) from error


def adopt_many(files: Sequence[tuple[int, Place, int, str]], now: datetime) -> set[int]:
    """`adopt` for many at once: (track id, place, bytes, reason) each, every track once, in one short transaction.

    The ids of the tracks that have their file now. Where one place is taken, all are tried one by one.
    """
    try:
        with transaction.atomic():
            return _adopt_together(files, now)
    except (IntegrityError, PlaceTaken):
        return {track_id for track_id, place, size, why in files if _adopt_alone(track_id, place, size, now, why)}


def _adopt_alone(track_id: int, place: Place, size: int, now: datetime, reason: str) -> bool:
    try:
        return adopt(track_id, place, size, now, reason)
    except PlaceTaken:
        return False


def _adopt_together(files: Sequence[tuple[int, Place, int, str]], now: datetime) -> set[int]:
    missing = Track.objects.filter(pk__in=[track_id for track_id, *_ in files], status=Status.MISSING)
    still = set(_locked(missing))
    folders = {path: folder_row(path) for path in {place.folder for _, place, *_ in files}}
    rows = []
    for track_id, place, size, _ in files:
        folder = folders[place.folder]
        if folder.path != place.folder:
            raise PlaceTaken(place.relative)
        if track_id in still:
            rows.append((place.path, folder.pk, place.file_name, path_key(place.file_name), size, track_id))
    table = connection.ops.quote_name(Track._meta.db_table)
    places = f"UPDATE {table} SET local_path=%s, folder_id=%s, file_name=%s, name_key=%s, size=%s WHERE id=%s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(places, rows)
    Track.objects.filter(pk__in=still).update(**_has_file(now))
    Folder.objects.filter(pk__in=[folder.pk for folder in folders.values()]).update(mtime_ns=None)
    events = [Event(track_id=pk, at=now, kind=Kind.ADOPT, reason=why) for pk, _, _, why in files if pk in still]
    Event.objects.bulk_create(events)
    return still


def retry(tracks: TrackQuerySet, now: datetime, reason: str = "") -> int:
    """A person asks to try these again now. Only missing tracks change; rows changed."""
    missing = tracks.filter(status=Status.MISSING)
    return _change_rows(missing, Kind.RETRY, reason, now, {"retry_after": now, "attempts": 0})


def replace(track_id: int, path: str, now: datetime, reason: str = "") -> bool:
    """A person wants another recording than the file at ``path``, which is no longer the track's; it stays on disk.

    The place is cleared, or the next pass would restore the file.
    """
    has_it = Track.objects.filter(status=Status.DOWNLOADED, local_path=path)
    changes = {**NO_PLACE, "status": Status.MISSING, "retry_after": now, "attempts": 0}
    return _change_row(track_id, has_it, Kind.DECIDE, reason, now, changes)


def move(track_id: int, path: str, place: Place, now: datetime, reason: str = "", wanted: bool | None = None) -> bool:
    """The track's file is no longer at ``path`` but at ``place``. Raises PlaceTaken as `reserve` does.

    ``wanted`` True or False: only while the track still is, or is not; somebody may have changed their mind.
    """
    has_it = Track.objects.filter(status=Status.DOWNLOADED, local_path=path)
    if wanted is not None:
        has_it = has_it.filter(wanted=wanted)
    try:
        with transaction.atomic():
            Folder.objects.filter(tracks=track_id).update(mtime_ns=None)  # the one that it leaves
            return _change_row(track_id, has_it, Kind.MOVE, reason, now, place.columns())
    except IntegrityError as error:
        raise PlaceTaken(place.relative) from error


def relocate(track_ids: Iterable[int], root: str) -> int:
    """The music folder is at ``root`` now: absolute paths follow folder and name, which stay. Rows changed.

    Can be done again at any time. Raises PlaceTaken, and changes none of these rows, where another row's old path is
    one of their new ones.
    """
    nothing, slash, start = (Value(text, TextField()) for text in ("", "/", root.rstrip("/") + "/"))
    folder = Case(When(path="", then=nothing), default=Concat("path", slash))
    relative = Subquery(Folder.objects.filter(pk=OuterRef("folder")).values_list(folder)[:1])
    path = Concat(start, relative, "file_name")
    rows = Track.objects.filter(pk__in=list(track_ids)).exclude(local_path="").exclude(local_path=path)
    try:
        with transaction.atomic():
            return rows.update(local_path=path)
    except IntegrityError as error:
        raise PlaceTaken(root) from error


# --- How a change is made ---------------------------------------------------------------------------------


def _change_row(
    track_id: int, guarded: TrackQuerySet, kind: str, reason: str, now: datetime, changes: dict[str, Any]
) -> bool:
    """One conditional UPDATE of one row, and its event (``kind`` "": none). Its folder is no longer confirmed."""
    with transaction.atomic():
        if not guarded.filter(pk=track_id).update(**changes):
            return False
        Folder.objects.filter(tracks=track_id, mtime_ns__isnull=False).update(mtime_ns=None)
        if kind:
            Event.objects.record([track_id], kind, reason, now)
    return True


def _change_rows(
    rows: TrackQuerySet, kind: str, reason: str, now: datetime, changes: dict[str, Any], then_wanted: bool = False
) -> int:
    """Change a set of rows, `BATCH` at a time, each batch with its events in a transaction of its own."""
    ids = list(rows.order_by().values_list("pk", flat=True))
    changed = 0
    for start in range(0, len(ids), BATCH):
        with transaction.atomic():
            still = _locked(rows.filter(pk__in=ids[start : start + BATCH]))
            changed += Track.objects.filter(pk__in=still).update(**changes)
            Event.objects.record(still, kind, reason, now)
            if then_wanted:
                set_wanted(still)
    return changed


def _change_seen(
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
    event = [connection.ops.adapt_datetimefield_value(now), kind, reason]
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    ids = list(seen)
    changed = 0
    for start in range(0, len(ids), BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            these, batch = id_list_sql(ids[start : start + BATCH])
            rows = f"SELECT id, folder_id, file_name FROM catalog_track WHERE id IN ({these}) AND status = %s"  # noqa: S608
            cursor.execute(rows + lock, [*batch, status])
            still = [pk for pk, at, name in cursor.fetchall() if name == seen[pk] and folders.get(pk, at) == at]
            if still:
                these, batch = id_list_sql(still)
                cursor.execute(f"UPDATE catalog_track SET {setting} WHERE id IN ({these})", [*values, *batch])  # noqa: S608
                changed += cursor.rowcount
                # One event for each by one INSERT … SELECT: a million of them through objects take minutes.
                events = f"SELECT id, %s, %s, %s FROM catalog_track WHERE id IN ({these})"  # noqa: S608
                cursor.execute(f"INSERT INTO catalog_event (track_id, at, kind, reason) {events}", [*event, *batch])
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


def _locked(rows: TrackQuerySet) -> list[int]:
    """The ids of ``rows``, locked: on PostgreSQL another process could change them between SELECT and UPDATE."""
    return list(rows.order_by().select_for_update().values_list("pk", flat=True))
