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
    downloaded   --resize-->     downloaded      reconcile    another program changed its file in place
    downloaded   --move-->       downloaded      bin, person  its file was moved inside the library, there and back
    downloaded   --replace-->    missing         a person     wants another recording: the file is no longer the track's
    downloaded   --hand over-->  missing         sync         its file is another song's, which is then downloaded

Every transition is one conditional UPDATE whose WHERE names what was read (`catalog.tracks.conditional_update`). It
returns how many rows it changed (or whether it changed its row): 0 means that another process was first, which is no
error. The event of a change is written in the same transaction. ``now`` is always given by the caller: no clock is read
here. Whether a track is wanted is independent of its state: `catalog.tracks.wanted`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, Exists, F, Field, OuterRef, Q, Value, When

from catalog.models import AdoptionMatch, Event, Folder, Track, TrackQuerySet
from catalog.text.path_key import path_key
from catalog.tracks.conditional_update import BATCH, NO_FOLDERS, CaseByRow, change_row, change_rows, change_seen, locked
from catalog.tracks.place import NO_PLACE, Place, PlaceTaken, folder_at

LEASE = timedelta(minutes=2)  # a worker that is silent for so long has lost its track
RENEW_EVERY = timedelta(seconds=15)
WAIT = timedelta(days=7)  # of a track about whose file a person is asked; renewed by each pass
RENEW_WAIT = timedelta(days=1)
DUE_AT_ONCE = 1000  # tracks, when a search has ended: hours of fetching

Status = Track.Status
Kind = Event.Kind
TOKEN_BYTES = 5  # of a claim, after its host's name: its 32 characters hold both

# What every end of a claim clears.
UNCLAIMED: dict[str, Any] = {"claim": None, "claim_until": None, "reserved": False, "progress": 0}
NO_ERROR: dict[str, Any] = {"last_error": "", "error_kind": "", "attempts": 0}


# --- A worker's track -------------------------------------------------------------------------------------


# `TrackQuerySet.queue`, written out: to make it of objects took as long as the claim itself.
DUE = f"status = '{Status.MISSING}' AND wanted AND retry_after <= %s"
FIRST_DUE = f"{DUE} ORDER BY retry_after, id LIMIT 1"


def host_of(claim: str) -> str:
    """The host whose worker holds the claim; "" for one of a version that knew of no hosts."""
    host, dash = claim[: -2 * TOKEN_BYTES - 1], claim[-2 * TOKEN_BYTES - 1 : -2 * TOKEN_BYTES]
    return host if dash == "-" else ""


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
        [f"{settings.HOST_NAME}-{secrets.token_hex(TOKEN_BYTES)}", until, *params],
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
    return change_row(track_id, _held(track_id, token).filter(reserved=True), kind, reason, now, _has_file(now))


def _has_file(now: datetime) -> dict[str, Any]:
    return {**UNCLAIMED, **NO_ERROR, "status": Status.DOWNLOADED, "last_seen": now, "retry_after": now}


def fail(track_id: int, token: str, kind: str, message: str, retry_after: datetime, now: datetime) -> bool:
    """The track's own failure: it cools down until ``retry_after``. A reservation is taken back."""
    changes = {"last_error": message or kind, "error_kind": kind, "failed_at": now, "retry_after": retry_after}
    return _give_up(track_id, token, Kind.FAIL, message or kind, now, changes)


def release(
    track_id: int, token: str, now: datetime, due: datetime | None = None, error: tuple[str, str] | None = None
) -> bool:
    """Nobody's failure (a stop, a pause, a full disk): the attempt is given back; due at once, or at ``due``.

    ``error`` (kind, message) is kept in the row where this track may be the cause of what stopped everybody.
    """
    given_back = Case(When(attempts__gt=0, then=F("attempts") - 1), default=0)
    changes: dict[str, Any] = {"retry_after": due or now, "attempts": given_back}
    if error:
        changes |= {"error_kind": error[0], "last_error": error[1] or error[0], "failed_at": now}
    return _give_up(track_id, token, "", "", now, changes)


def _give_up(track_id: int, token: str, kind: str, reason: str, now: datetime, changes: dict[str, Any]) -> bool:
    changes = {**UNCLAIMED, **_place_if_reserved(), "status": Status.MISSING, **changes}
    error = changes.get("error_kind", "")
    return change_row(track_id, _held(track_id, token), kind, reason, now, changes, error_kind=error)


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
    return change_row(track.pk, abandoned, Kind.RECOVER, reason, now, _has_file(now))


def recover_missing(track: Track, retry_after: datetime, now: datetime, reason: str = "") -> bool:
    """A worker died before it had published anything. The attempt counts: it may be the track that kills workers."""
    changes = {**UNCLAIMED, **_place_if_reserved(), "status": Status.MISSING, "retry_after": retry_after}
    return change_row(track.pk, _abandoned(track, now), Kind.RECOVER, reason, now, changes)


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
    due: datetime | None = None,
) -> int:
    """The files of these tracks are gone; ``seen`` is track id -> file name as read, ``folders`` -> folder id as read.

    They may be fetched from ``due`` on, ``now`` where it is not given.
    Path and size stay as the last known place. ``last_seen`` is the end of the last completed pass that saw them.
    Answers the rows changed.
    """
    changes: dict[str, Any] = {"status": Status.MISSING, "retry_after": due or now, "attempts": 0}
    if last_seen:
        changes["last_seen"] = CaseByRow(last_seen)
    return change_seen(seen, folders, Status.DOWNLOADED, Kind.VANISH, reason, now, changes)


def resize(track_id: int, path: str, size: int, now: datetime, reason: str = "") -> bool:
    """The track's file at ``path`` has another size, and still is the track's."""
    has_it = Track.objects.filter(status=Status.DOWNLOADED, local_path=path)
    return change_row(track_id, has_it, Kind.CHANGE, reason, now, {"size": size, "last_seen": now})


def end_search(due: datetime, now: datetime) -> int:
    """The search for vanished files, whose tracks were due at ``due``, has ended: those still missing are due now.

    The first thousand, that is: the others are due within minutes by themselves. To write each row a second time took
    as long as to write it the first time, and kept other writers waiting for all of it.
    """
    first = Track.objects.missing().filter(retry_after=due).order_by().values_list("pk", flat=True)[:DUE_AT_ONCE]
    return Track.objects.filter(pk__in=list(first), status=Status.MISSING, retry_after=due).update(retry_after=now)


def wait_for_answer(now: datetime) -> int:
    """Missing tracks with an open `AdoptionMatch` are due in a week; called again before that. Rows changed."""
    asked = AdoptionMatch.objects.filter(rejected=False).values("track")
    soon = Track.objects.filter(pk__in=asked, status=Status.MISSING, retry_after__lt=now + WAIT - RENEW_WAIT)
    return soon.update(retry_after=now + WAIT)


def end_wait(track_ids: Iterable[int], now: datetime) -> int:
    """A person has answered: those of these tracks about which nothing else is asked are due now. Rows changed."""
    asked = AdoptionMatch.objects.filter(track=OuterRef("pk"), rejected=False)
    waiting = Track.objects.filter(~Exists(asked), pk__in=list(track_ids), status=Status.MISSING, retry_after__gt=now)
    return waiting.update(retry_after=now)


def restore(seen: Mapping[int, str], now: datetime, reason: str = "", folders: Mapping[int, int] = NO_FOLDERS) -> int:
    """Files of the recorded size are (again) at the last known places of these missing tracks. Rows changed."""
    changes = {**NO_ERROR, "status": Status.DOWNLOADED, "last_seen": now, "retry_after": now}
    return change_seen(seen, folders, Status.MISSING, Kind.RESTORE, reason, now, changes)


def adopt(track_id: int, place: Place, size: int, now: datetime, reason: str = "", by: str = "") -> bool:
    """A file that is already in the library is this missing track's. Raises PlaceTaken as `reserve` does."""
    missing = Track.objects.filter(status=Status.MISSING)
    try:
        with transaction.atomic():
            changes = _has_file(now) | place.columns() | {"size": size}
            return change_row(track_id, missing, Kind.ADOPT, reason, now, changes, by)
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
    still = set(locked(missing))
    folders = {place.folder: folder_at(place.root, place.folder) for _, place, *_ in files}
    rows = [
        (place.relative, folders[place.folder].pk, place.file_name, path_key(place.file_name), size, track_id)
        for track_id, place, size, _ in files
        if track_id in still
    ]
    table = connection.ops.quote_name(Track._meta.db_table)
    places = f"UPDATE {table} SET local_path=%s, folder_id=%s, file_name=%s, name_key=%s, size=%s WHERE id=%s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(places, rows)
    Track.objects.filter(pk__in=still).update(**_has_file(now))
    Folder.objects.filter(pk__in=[folder.pk for folder in folders.values()]).update(mtime_ns=None)
    events = [Event(track_id=pk, at=now, kind=Kind.ADOPT, reason=why) for pk, _, _, why in files if pk in still]
    Event.objects.bulk_create(events)
    return still


def retry(tracks: TrackQuerySet, now: datetime, reason: str = "", by: str = "") -> int:
    """A person asks to try these again now. Only missing tracks change; rows changed."""
    missing = tracks.filter(status=Status.MISSING)
    return change_rows(missing, Kind.RETRY, reason, now, {"retry_after": now, "attempts": 0}, by=by)


def replace(track_id: int, path: str, now: datetime, reason: str = "") -> bool:
    """A person wants another recording than the file at ``path``, which is no longer the track's; it stays on disk.

    The place is cleared, or the next pass would restore the file.
    """
    has_it = Track.objects.filter(status=Status.DOWNLOADED, local_path=path)
    changes = {**NO_PLACE, "status": Status.MISSING, "retry_after": now, "attempts": 0}
    return change_row(track_id, has_it, Kind.DECIDE, reason, now, changes)


def move(
    track_id: int,
    path: str,
    place: Place,
    now: datetime,
    reason: str = "",
    wanted: bool | None = None,
    size: int | None = None,
    by: str = "",
) -> bool:
    """The track's file is no longer at ``path`` but at ``place``. Raises PlaceTaken as `reserve` does.

    ``wanted`` True or False: only while the track still is, or is not; somebody may have changed their mind. ``size``
    is given where another file takes its stead.
    """
    has_it = Track.objects.filter(status=Status.DOWNLOADED, local_path=path)
    if wanted is not None:
        has_it = has_it.filter(wanted=wanted)
    try:
        with transaction.atomic():
            Folder.objects.filter(tracks=track_id).update(mtime_ns=None)  # the one that it leaves
            changes = place.columns() | ({} if size is None else {"size": size})
            return change_row(track_id, has_it, Kind.MOVE, reason, now, changes, by=by)
    except IntegrityError as error:
        raise PlaceTaken(place.relative) from error


def hand_over(owners: Mapping[int, int], now: datetime, reason: str = "") -> list[tuple[int, int]]:
    """Files of these downloaded tracks are other tracks': ``owners`` is {id of the one that has it: of its owner}.

    Several may exchange theirs. Where an owner is claimed, or keeps a file of its own, nothing changes for the two.
    Answers (old id, new id) of each file that changed hands.
    """
    with transaction.atomic():
        rows = {row.pk: row for row in _locked_rows({*owners, *owners.values()})}
        changes = _possible({pk: owner for pk, owner in owners.items() if pk in rows and owner in rows}, rows)
        places = {pk: {name: getattr(rows[pk], name) for name in NO_PLACE} for pk in changes}
        lost = {**NO_PLACE, "status": Status.MISSING, "retry_after": now, "attempts": 0}
        for pk in changes:
            has_it = Track.objects.filter(status=Status.DOWNLOADED, local_path=rows[pk].local_path)
            change_row(pk, has_it, Kind.DECIDE, reason, now, lost)
        for pk, owner in changes.items():
            without = Track.objects.filter(pk=owner, status=Status.MISSING)
            change_row(owner, without, Kind.ADOPT, reason, now, _has_file(now) | places[pk])
    return list(changes.items())


def _locked_rows(ids: Iterable[int]) -> TrackQuerySet:
    return Track.objects.filter(pk__in=set(ids)).order_by("pk").select_for_update()


def _possible(owners: Mapping[int, int], rows: Mapping[int, Track]) -> dict[int, int]:
    """Those of ``owners`` where the one has a file, and the other is missing or gives its own away."""
    possible = {pk: owner for pk, owner in owners.items() if rows[pk].status == Status.DOWNLOADED}
    while refused := [
        pk for pk, owner in possible.items() if rows[owner].status != Status.MISSING and owner not in possible
    ]:
        possible = {pk: owner for pk, owner in possible.items() if pk not in refused}
    return possible
