"""The time by which hosts agree: the database's. Claims, pauses, heartbeats and due times are measured by it.

No two hosts' clocks are ever compared: one that is an hour off would take over what is being worked on, or never. On
SQLite, which one machine has, it is the machine's own clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

MEASURE_EVERY = 60.0  # seconds between two questions to the database
TRY_AGAIN_AFTER = 5.0  # seconds after one that it did not answer


@dataclass
class _Measured:
    """The database's time when this process had run ``elapsed`` seconds; None before it was first asked."""

    moment: datetime | None = None
    elapsed: float = 0.0
    ask_at: float = float("-inf")


_last = _Measured()


def elapsed() -> float:
    """Seconds of a clock that nobody can set and that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def now() -> datetime:
    """The database's time, asked once a minute and measured on in between; the machine's before it ever answered."""
    if connection.vendor == "sqlite":
        return timezone.now()
    if elapsed() >= _last.ask_at:
        _ask()
    return _last.moment + timedelta(seconds=elapsed() - _last.elapsed) if _last.moment else timezone.now()


def _ask() -> None:
    before = elapsed()
    _last.ask_at = before + TRY_AGAIN_AFTER
    if connection.needs_rollback:
        return  # it would answer nothing
    try:
        moment = _database_time()
    except DatabaseError:
        return
    _last.moment, _last.elapsed = moment, (before + elapsed()) / 2
    _last.ask_at = before + MEASURE_EVERY


def _database_time() -> datetime:
    """Not the time of the transaction, which may be minutes old. By the driver's cursor: it is no query of a page's."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
