"""What is due: a sync, a reconcile, what a person asked for. Read from rows and marks; `downloads.jobs` does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from catalog.models import Account, Library, Run, Service
from downloads.jobs import cluster_state

# By the rows of what was run last.
SYNC_EVERY = timedelta(hours=1)  # Spotify tells of no change by itself; an unchanged library costs a handful of calls
QUICK_EVERY = timedelta(minutes=15)  # one stat per folder; the watcher notices most things at once
FULL_EVERY = timedelta(days=1)  # finds what folder stamps cannot tell


@dataclass(frozen=True, slots=True)
class Plan:
    """What is due now. A sync brings a reconcile with it; ``full`` says of which kind a reconcile is to be."""

    sync: bool = False
    reconcile: bool = False
    full: bool = False
    accept_root: bool = False

    def __bool__(self) -> bool:
        return self.sync or self.reconcile or self.accept_root


def due(now: datetime, online: bool) -> Plan:
    """What rows and requests call for. While the library is offline nobody looks at it; it heals within a minute."""
    library, last_sync = Library.load(), Run.objects.filter(kind=Run.Kind.SYNC, started_at__lte=now).first()
    connected = bool(settings.SPOTIFY_REFRESH_TOKEN) or Account.objects.exists()
    hourly = passed(last_sync.started_at if last_sync else None, SYNC_EVERY, now) or _may_go_on(last_sync, now)
    look = online and (
        cluster_state.waiting() or asked("reconcile").exists() or passed(library.last_pass, QUICK_EVERY, now)
    )
    return Plan(
        sync=asked("sync").exists() or (connected and hourly),
        reconcile=look,
        # Workers wait for the first pass after a start: that one is a quick one.
        full=look and not cluster_state.waiting() and passed(library.last_full_pass, FULL_EVERY, now),
        accept_root=asked("accept_root").exists(),
    )


def _may_go_on(last_sync: Run | None, now: datetime) -> bool:
    """Whether the last sync was cut off by a pause of Spotify's that is over by now."""
    if last_sync is None or last_sync.ok is not False:
        return False
    return Service.objects.filter(
        name="spotify", paused_until__gt=last_sync.started_at, paused_until__lte=now, paused_by_person=False
    ).exists()


def passed(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether it is time again. A last time that lies ahead was written by a clock that has been set back since."""
    return last is None or last > now or now - last >= every


def asked(what: str) -> Path:
    """The mark of a request that a person made: "sync", "reconcile" or "accept_root". It outlives a lost wake-up."""
    return cluster_state.flag_file("asked", what)
