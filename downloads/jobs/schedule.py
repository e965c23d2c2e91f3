"""Which of sync and reconcile is due, by the rows of the last runs and by requests; `downloads.jobs` runs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from catalog.models import Account, JobRequest, Library, Run, Service
from catalog.models.settings import value
from catalog.reports.plan import needs_look
from downloads.jobs import cluster_state

# By the rows of what was run last.
QUICK_EVERY = timedelta(minutes=15)  # one stat per folder; the watcher notices most things at once
FULL_EVERY = timedelta(days=1)  # finds what folder stamps cannot tell


@dataclass(frozen=True, slots=True)
class Plan:
    """What is due now. A sync includes a reconcile; ``full``: the reconcile lists every folder."""

    sync: bool = False
    reconcile: bool = False
    full: bool = False
    accept_root: bool = False
    look: bool = False

    def __bool__(self) -> bool:
        return self.sync or self.reconcile or self.accept_root or self.look


def due(now: datetime, online: bool) -> Plan:
    """What rows and requests call for. No reconcile while the library is offline."""
    library, last_sync = Library.load(), Run.objects.filter(kind=Run.Kind.SYNC, started_at__lte=now).first()
    connected = bool(settings.SPOTIFY_REFRESH_TOKEN) or Account.objects.exists()
    every = timedelta(minutes=value("SYNC_MINUTES"))
    hourly = has_passed(last_sync.started_at if last_sync else None, every, now) or _may_resume(last_sync, now)
    first = cluster_state.awaits_reconcile(now)
    scan = online and (
        first or JobRequest.objects.is_waiting("reconcile") or has_passed(library.last_pass, QUICK_EVERY, now)
    )
    return Plan(
        sync=JobRequest.objects.is_waiting("sync") or (connected and hourly),
        reconcile=scan,
        # Workers wait for the first pass after a start: that one is a quick one.
        full=scan and not first and has_passed(library.last_full_pass, FULL_EVERY, now),
        accept_root=JobRequest.objects.is_waiting("accept_root"),
        look=online and may_look(now),
    )


def may_look(now: datetime) -> bool:
    """Whether a person asks for a look through the music folder, or the plan waits for one."""
    return JobRequest.objects.is_waiting("look") or needs_look(now)


def _may_resume(last_sync: Run | None, now: datetime) -> bool:
    """Whether the last sync was cut off by a pause of Spotify's that is over by now."""
    if last_sync is None or last_sync.ok is not False:
        return False
    return Service.objects.filter(
        name="spotify", paused_until__gt=last_sync.started_at, paused_until__lte=now, paused_by_person=False
    ).exists()


def has_passed(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether ``every`` has passed since ``last``. A time after ``now`` was written before the clock was set back."""
    return last is None or last > now or now - last >= every
