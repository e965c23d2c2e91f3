"""Times in rows that no right clock can have written: what to make of them once a clock was set back.

A lease, a cooldown or a pause that ends further ahead than its table can give was written while the clock was fast (a
machine that woke in the wrong year, a mistyped date). It would hold its track or service for as long as the clock was
ahead. A clock that was slow needs nothing: what ended early is due early, and the workers' number is the limit.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from catalog.models import Event, Run, Service
from catalog.spotify import errors
from catalog.tracks import transitions
from downloads.failures import backoff

SLACK = timedelta(minutes=1)  # between two readings of a clock that is right
CANARY = timedelta(minutes=10)  # how long one worker alone tries a service after its pause
FULL_DISK_PAUSE = timedelta(minutes=5)

# The longest that each service is ever paused for, and what is put in the place of a longer pause.
LONGEST_PAUSES = {
    "audio": backoff.LONGEST_RETRY_AFTER,
    "spotify": errors.LONGEST,
    "storage": FULL_DISK_PAUSE,
}


def repair_clock_skew(now: datetime) -> int:
    """Pull in every lease, cooldown and pause that lies too far ahead to be true. Rows changed.

    Cheap where nothing is wrong: the cooldowns of all tracks are looked at only where a row was written in the future.
    """
    changed = transitions.shorten_leases(now)
    rests = backoff.LONGEST_RESTS if was_set_back(now) else backoff.LONGEST_RESTS[-1:]
    changed += transitions.shorten_rests(rests, backoff.LONGEST_RESTS, now)
    for name, longest in LONGEST_PAUSES.items():
        changed += Service.objects.shorten_pause(name, now, longest + SLACK, _instead(name, longest))
    return changed + Service.objects.filter(state="canary").shorten_pause("audio", now, CANARY + SLACK, CANARY)


def _instead(name: str, longest: timedelta) -> timedelta:
    """How long a service rests in place of a pause that is not believed."""
    if name != "audio":
        return longest
    return backoff.service_pause(Service.objects.named(name).strikes)


def was_set_back(now: datetime) -> bool:
    """Whether something has happened that is yet to come."""
    ahead = now + SLACK
    return Event.objects.filter(at__gt=ahead).exists() or Run.objects.filter(started_at__gt=ahead).exists()
