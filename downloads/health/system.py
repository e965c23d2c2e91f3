"""Health of the program itself: workers, schedule, database, clock, data folder, settings."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import ERROR, INFO, run_checks
from django.db import connection

from catalog.text.humanize import ago, size, span
from catalog.web import setup_link
from downloads.health.check import FAIL, WARN, Check, check

TICK_LATE = timedelta(minutes=5)  # one comes every minute
CLOCK_OFF = timedelta(seconds=30)
WAL_LARGE = 500_000_000  # bytes: a reader holds an old snapshot, or checkpoints fail
QUERY_LONG = timedelta(minutes=30)  # a backup of millions of rows is done sooner
LONGEST_QUERY = """
    SELECT pg_database_size(current_database()),
           coalesce(max(clock_timestamp() - xact_start) FILTER (WHERE state <> 'idle'), interval '0')
    FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
"""
SPACE_FLOOR = 500_000_000  # bytes on the disk of DATA_DIR


def system_checks(conditions: dict[str, Any], now: datetime) -> Iterator[Check]:
    yield from _workers(conditions["workers"], now)
    yield _schedule(now)
    yield _database()
    yield _clock(now)
    yield from _data_folder()
    yield check(
        "admin",
        "Somebody who can log in",
        "Yes.",
        fail="" if setup_link.admin_exists() else "Nobody has an account with all rights.",
        cure="Open the one-time link that is printed at the start.",
    )
    yield from _settings()


def _workers(workers: dict[str, Any], now: datetime) -> Iterator[Check]:
    cure = "Start Tonekeep again; nothing is lost meanwhile."
    if not workers["beats"]:
        yield check("workers", "Workers", "", fail="None is running.", cure=cure)
    for name, beat in sorted(workers["beats"].items()):
        words = f"Last heard of {ago(beat, now)}."
        yield check("workers", f"Workers: {name}", words, fail=words if name in workers["silent"] else "", cure=cure)


def _schedule(now: datetime) -> Check:
    """By its model's name: django-q2 itself is imported by `downloads.jobs` alone."""
    schedule = apps.get_model("django_q", "Schedule")
    following = schedule.objects.filter(func__endswith=".tick").values_list("next_run", flat=True).first()
    late = following is None or now - following > TICK_LATE
    warn = "The tick that wakes the workers each minute is overdue." if late else ""
    return check("schedule", "Schedule", "The tick comes each minute.", warn=warn, cure="Start Tonekeep again.")


def _database() -> Check:
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(LONGEST_QUERY)
            total, longest = cursor.fetchone()
        words = f"PostgreSQL, {size(total)}."
        slow = f"A transaction has been open for {span(longest)}; old rows are kept meanwhile." if longest else ""
        cure = "Start Tonekeep again; where that does not help, pg_stat_activity names the program."
        return check("database", "Database", words, warn=slow if longest > QUERY_LONG else "", cure=cure)
    path = Path(str(settings.DATABASES["default"]["NAME"]))
    total, log = _size_of(path), _size_of(path.with_name(f"{path.name}-wal"))
    words = f"SQLite, {size(total)}, write-ahead log {size(log)}."
    cure = "Start Tonekeep again: the log is written back then."
    return check("database", "Database", words, warn=words if log > WAL_LARGE else "", cure=cure)


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _clock(now: datetime) -> Check:
    """Against the database's clock; SQLite has this machine's own."""
    if connection.vendor == "sqlite":
        return check("clock", "Clock", f"{now:%Y-%m-%d %H:%M} UTC.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        off = abs(cursor.fetchone()[0] - now)
    words = f"{off.total_seconds():.0f} s off the database's."
    return check("clock", "Clock", words, warn=words if off > CLOCK_OFF else "", cure="Turn on time synchronisation.")


def _data_folder() -> Iterator[Check]:
    folder = Path(settings.DATA_DIR)
    mode = stat.S_IMODE(folder.stat().st_mode)
    words = f"DATA_DIR ({folder}) can be read by other users of this machine." if mode & 0o077 else ""
    yield check("private", "Data folder", "Its owner's alone.", warn=words, cure=f"chmod 700 {folder}")
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    low = f"{size(free)} free on the disk of the database."
    yield check(
        "data_space", "Room for the database", low, fail=low if free < SPACE_FLOOR else "", cure="Make room there."
    )


def _settings() -> Iterator[Check]:
    """What our system checks of this installation say, each with its hint.

    Django's own look at models and addresses, which do not change: they take 10 ms, and touch 3 MB of shared memory.
    """
    messages = [
        message for message in run_checks(tags=["installation"]) if message.level > INFO and not message.is_silenced()
    ]
    for message in messages:
        state = FAIL if message.level >= ERROR else WARN
        yield Check("settings", f"Setting {message.id}", state, str(message.msg), str(message.hint or ""))
    if not messages:
        yield check("settings", "Settings", "They fit together.")
