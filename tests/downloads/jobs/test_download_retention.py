"""What is forgotten of the past, under a clock that is right and under one that is not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from catalog.models import Event, Track
from downloads.jobs import tasks
from tests.world import World

DAY, YEAR = timedelta(days=1), timedelta(days=365)


def happened(track: Track, *moments: datetime) -> None:
    for moment in moments:
        Event.objects.record([track.pk], Event.Kind.FAIL, f"{moment:%Y-%m-%d}", moment)


def ages(now: datetime) -> list[int]:
    """How many days ago each event was, the latest first."""
    return [(now - event.at).days for event in Event.objects.all()]


def test_where_something_happens_each_day_the_last_fifteen_weeks_are_kept(world: World) -> None:
    happened(world.make_track(), *(world.now - days * DAY for days in range(200)))
    tasks.prune(world.now)
    assert ages(world.now)[0] == 0
    assert 90 <= ages(world.now)[-1] <= 7 * 16 + 15, "some days more: a week is counted from its last event"


def test_nothing_younger_than_ninety_days_goes_however_much_happened(world: World) -> None:
    happened(world.make_track(), *(world.now - hours * timedelta(hours=1) for hours in range(0, 89 * 24, 5)))
    before = Event.objects.count()
    tasks.prune(world.now)
    assert Event.objects.count() == before


def test_where_little_happens_it_is_kept_for_longer(world: World) -> None:
    happened(world.make_track(), *(world.now - days * DAY for days in range(0, 1000, 100)))
    tasks.prune(world.now)
    assert Event.objects.count() == 10


@pytest.mark.parametrize("wrong_for", [timedelta(minutes=1), timedelta(hours=1), 6 * DAY])
@pytest.mark.parametrize("jump", [timedelta(hours=1), YEAR, -YEAR])
def test_a_clock_that_jumps_and_is_put_right_loses_nothing(world: World, jump: timedelta, wrong_for: timedelta) -> None:
    track = world.make_track()
    happened(track, *(world.now - days * DAY for days in range(91)))
    before = Event.objects.count()
    for step in range(7):  # while the clock is wrong, things go on happening
        moment = world.now + jump + wrong_for * step / 6
        happened(track, moment)
        for _ in range(3):
            tasks.prune(moment)
    assert Event.objects.count() == before + 7
    tasks.prune(world.now + wrong_for)
    assert Event.objects.count() == before + 7


def test_once_the_clock_is_right_the_past_is_forgotten_as_ever(world: World) -> None:
    track = world.make_track()
    happened(track, world.now + YEAR, *(world.now - days * DAY for days in range(300)))
    tasks.prune(world.now)
    assert 90 <= ages(world.now)[-1] <= 7 * 16 + 15
