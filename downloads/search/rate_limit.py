"""How often a site is asked: a budget per hour and a minimum interval between two songs, both with jitter (GCRA).

Nothing sleeps: a row says from when on the next song may be fetched, and a worker that is too early goes back; the tick
wakes it again. One's own audio server is not paced.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.db import transaction

from catalog.models import Track
from catalog.models.settings import value
from downloads.models import Candidate, RateLimitState
from downloads.search.sources import AUDIO_SOURCES, source

JITTER = 0.4  # of a gap, to both sides: a beat like a clock's is what robots have


def next_turn(now: datetime, name: str = "") -> datetime:
    """From when on the next song may be fetched or searched for; ``now`` where it may at once.

    ``name`` is an audio source's, "" the one that the settings name. A recording that a person chose may come from
    another one.
    """
    name = name or value("AUDIO_SOURCE")
    limit = source(name).rate_limit
    row = RateLimitState.objects.filter(source=name).first() if limit else None
    if limit is None or row is None:
        return now
    # A row written by a clock that was set back since must not stop us for longer than a whole budget lasts.
    free = min(row.booked_until, now + timedelta(hours=1)) - limit.gap * limit.burst
    return max(now, free, min(row.not_before, now + timedelta(seconds=limit.min_interval[1])))


def may_request(now: datetime, name: str = "") -> bool:
    """Whether the source may be asked at ``now``."""
    return next_turn(now, name) <= now


def is_only_obstacle(now: datetime) -> bool:
    """Whether a track is due but for the rate limit of the source that it comes from."""
    turn = next_turn(now)
    if turn > now:  # by then those are due, too, that were given back for coming too early
        return Track.objects.queue(turn).exists()
    turns = {name: next_turn(now, name) for name in AUDIO_SOURCES}
    chosen = {"candidates__verdict": Candidate.Verdict.CHOSEN}
    return any(
        Track.objects.queue(turn).filter(**chosen, candidates__source=name).exists()
        for name, turn in turns.items()
        if turn > now
    )


def record_request(now: datetime, dice: random.Random | None = None, name: str = "") -> None:
    """A song's searches and its fetch begin: one place of the hour's budget is spent."""
    name = name or value("AUDIO_SOURCE")
    limit = source(name).rate_limit
    if limit is None:
        return
    dice = dice or random.Random()
    gap = limit.gap * dice.uniform(1 - JITTER, 1 + JITTER)
    fresh = {"not_before": now, "booked_until": now}
    with transaction.atomic():
        row, _ = RateLimitState.objects.select_for_update().get_or_create(source=name, defaults=fresh)
        row.booked_until = max(min(row.booked_until, now + timedelta(hours=1)), now) + gap
        row.not_before = now + timedelta(seconds=dice.uniform(*limit.min_interval))
        row.save()
