"""The status, read anew only when something was written since or time alone has changed it: phones poll."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, NamedTuple

from django.db import connection
from django.http import HttpRequest, HttpResponse

from catalog.db import database_clock
from catalog.models.accounts import digest
from catalog.reports import status
from downloads.api import schemas

View = Callable[..., HttpResponse]
LONGEST = timedelta(seconds=60)  # that an answer is given again
WHILE_ESTIMATED = timedelta(seconds=5)  # with an estimate, which time changes


class _Kept(NamedTuple):
    stamp: str
    since: datetime
    until: datetime
    body: bytes
    admitted: set[str]  # digests of the tokens that were found good while nothing was written


_lock = threading.Lock()
_kept: list[_Kept] = []
_watching: list[tuple[tuple[int, int], sqlite3.Connection]] = []


def status_body(now: datetime) -> bytes:
    """`catalog.reports.status.snapshot` as JSON of `schemas.Status`, or the one before where it would say the same."""
    stamp = change_stamp()  # before the reading: what is written during it is seen next time
    if stamp and _kept and _kept[0].stamp == stamp and _kept[0].since <= now < _kept[0].until:
        return _kept[0].body
    answer = status.snapshot(now)
    body = schemas.Status(**{**answer, "failures": answer["failures"]["total"]}).model_dump_json().encode()
    if stamp:
        _kept[:] = [_Kept(stamp, now, _until(answer, now), body, set())]
    return body


def to_admitted(view: View) -> View:
    """Give who was let in since the last write the kept answer: no token can have been revoked without a write."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now, stamp = database_clock.now(), change_stamp()
        token = digest(request.headers.get("Authorization", ""))
        kept = _kept[0] if _kept else None
        if kept and stamp and kept.stamp == stamp and token in kept.admitted and kept.since <= now < kept.until:
            return HttpResponse(kept.body, content_type="application/json")
        response = view(request, *args, **kwargs)
        # The token was looked at after this stamp was taken: what was revoked since has changed it.
        if response.status_code == 200 and stamp and _kept and _kept[0].stamp == stamp:
            _kept[0].admitted.add(token)
        return response

    return answered


def _until(answer: dict[str, Any], now: datetime) -> datetime:
    """When time alone changes it: a song becomes due, a pause ends."""
    moments = [answer["queue"]["next_due"], *(service["paused_until"] for service in answer["services"])]
    longest = WHILE_ESTIMATED if answer["seconds_left"] is not None else LONGEST
    return min([now + longest, *(moment for moment in moments if moment)])


def change_stamp() -> str:
    """Differs from the last one wherever a transaction was committed in between; "" where that cannot be said.

    PostgreSQL: the snapshot names the transactions that are visible. SQLite: PRAGMA data_version of a connection that
    writes nothing itself. Within a transaction neither tells of its own changes.
    """
    if connection.in_atomic_block:
        return ""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_snapshot()::text")
            return str(cursor.fetchone()[0])
    path = str(connection.settings_dict["NAME"])
    try:
        with _lock:
            return f"{path} {_data_version(path)}"
    except (OSError, sqlite3.Error):  # in memory, or the disk fails: the reading itself will say so
        return ""


def _data_version(path: str) -> str:
    found = os.stat(path)
    place = (found.st_dev, found.st_ino)  # a restored database is another file
    if not _watching or _watching[0][0] != place:
        for _, old in _watching:
            old.close()
        _watching[:] = [(place, sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False))]
    return f"{place} {_watching[0][1].execute('PRAGMA data_version').fetchone()[0]}"
