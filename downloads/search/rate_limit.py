"""How often a site is asked: a budget per hour, a pause for breath after each song, both with jitter.

Nothing sleeps: a row says from when on the next song may be fetched, and a worker that is too early goes back; the tick
wakes it again. One's own audio server is not paced.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from catalog.models import Track
from downloads.models import Candidate, RateLimitState


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``per_hour`` songs, of which ``at_once`` may come in a row; ``breath`` in seconds between two of them."""

    per_hour: int
    at_once: int
    breath: tuple[float, float]

    @property
    def gap(self) -> timedelta:
        return timedelta(hours=1) / self.per_hour


RATE_LIMITS = {
    # yt-dlp's wiki counts about 300 recordings an hour before a guest is stopped, and asks for 5 to 10 s between them
    # (github.com/yt-dlp/yt-dlp/wiki/Extractors). Half of it: each song costs some searches too.
    "youtube": RateLimit(per_hour=150, at_once=12, breath=(3.0, 8.0)),
}
JITTER = 0.4  # of a gap, to both sides: a beat like a clock's is what robots have


def next_turn(now: datetime, source: str = "") -> datetime:
    """From when on the next song may be fetched or searched for; ``now`` where it may at once.

    ``source`` is whose pace it is: "" means the audio source that the settings name. A recording that a person chose
    may come from another one.
    """
    source = source or settings.AUDIO_SOURCE
    budget = RATE_LIMITS.get(source)
    row = RateLimitState.objects.filter(source=source).first() if budget else None
    if budget is None or row is None:
        return now
    # A row written by a clock that was set back since must not stop us for longer than a whole budget lasts.
    free = min(row.booked_until, now + timedelta(hours=1)) - budget.gap * budget.at_once
    return max(now, free, min(row.not_before, now + timedelta(seconds=budget.breath[1])))


def may_ask(now: datetime, source: str = "") -> bool:
    """Whether the site may be asked at ``now``."""
    return next_turn(now, source) <= now


def is_all_that_holds(now: datetime) -> bool:
    """Whether a track is due but for the pace of the site that it comes from."""
    if not may_ask(now):
        return Track.objects.queue(now).exists()
    turns = {source: next_turn(now, source) for source in RATE_LIMITS}
    chosen = {"candidates__verdict": Candidate.Verdict.CHOSEN}
    return any(
        Track.objects.queue(turn).filter(**chosen, candidates__source=source).exists()
        for source, turn in turns.items()
        if turn > now
    )


def asked(now: datetime, dice: random.Random | None = None, source: str = "") -> None:
    """A song's searches and its fetch begin: one place of the budget is spent."""
    source = source or settings.AUDIO_SOURCE
    budget = RATE_LIMITS.get(source)
    if budget is None:
        return
    dice = dice or random.Random()
    gap = budget.gap * dice.uniform(1 - JITTER, 1 + JITTER)
    fresh = {"not_before": now, "booked_until": now}
    with transaction.atomic():
        row, _ = RateLimitState.objects.select_for_update().get_or_create(source=source, defaults=fresh)
        row.booked_until = max(min(row.booked_until, now + timedelta(hours=1)), now) + gap
        row.not_before = now + timedelta(seconds=dice.uniform(*budget.breath))
        row.save()
