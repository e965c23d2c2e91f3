"""When something is tried again. Pure: the clock and the dice come in as arguments.

Read aloud: 5 min, 30 min, 2 h, 12 h, 1 day, then weekly, give or take 10 %. Nothing is given up for ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta

COOLDOWNS: tuple[timedelta, ...] = (
    timedelta(minutes=5),  # a hiccup
    timedelta(minutes=30),
    timedelta(hours=2),  # a maintenance window
    timedelta(hours=12),
    timedelta(days=1),  # something that a person mends
    timedelta(weeks=1),  # the floor: a recording may turn up any week
)
# A site that is asked at its pace gets six questions for a song that it does not have: after a day, then weekly.
NOT_FOUND_STEPS = 4
JITTER = 0.1  # of the cooldown, to both sides, so that what failed together does not come back together
LONGEST_RESTS = (timedelta(), *(rest * (1 + JITTER) for rest in COOLDOWNS))  # after so many attempts, or more

SERVICE_PAUSES: tuple[timedelta, ...] = (  # a site that said stop is asked again ever more rarely
    timedelta(hours=1),  # YouTube's own "rate-limited for up to an hour"
    timedelta(hours=6),
    timedelta(hours=24),
    timedelta(hours=48),
)
LONGEST_RETRY_AFTER = timedelta(days=7)  # a server cannot send us away for longer than the weekly floor


def cooldown(attempts: int, random: float) -> timedelta:
    """How long a track rests after its ``attempts``-th try (1 is the first); ``random`` in [0, 1) is the dice."""
    step = COOLDOWNS[min(max(attempts, 1), len(COOLDOWNS)) - 1]
    return step * (1 - JITTER + 2 * JITTER * random)


def next_try(now: datetime, attempts: int, jitter: float) -> datetime:
    """When a track whose ``attempts``-th try just failed may be tried again; ``jitter`` in [0, 1) is the dice."""
    return now + cooldown(attempts, jitter)


def service_pause(strikes: int, retry_after: float | None = None) -> timedelta:
    """How long a service rests at its ``strikes``-th bot check or rate limit in a row (1 is the first).

    ``retry_after`` is what the server itself asked for, in seconds; it counts where it is longer, up to a week.
    """
    own = SERVICE_PAUSES[min(max(strikes, 1), len(SERVICE_PAUSES)) - 1]
    if retry_after is None or not retry_after > own.total_seconds():
        return own
    return timedelta(seconds=min(retry_after, LONGEST_RETRY_AFTER.total_seconds()))
