"""What the events of the last weeks add up to, week by week and day by day."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from catalog.models import Event, Track
from catalog.reports import history
from tests.world import World

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def happened(track: Track, kind: str, days_ago: float, error_kind: str = "") -> None:
    Event.objects.create(track=track, kind=kind, at=NOON - timedelta(days=days_ago), error_kind=error_kind)


@pytest.fixture
def songs(world: World) -> list[Track]:
    """The six of the world, all known and here for a year."""
    Track.objects.update(added_at=NOON - timedelta(days=365))
    return list(Track.objects.order_by("pk"))


def test_weeks_and_days_follow_each_other_without_a_gap(songs: list[Track]) -> None:
    for spans, length in ((history.weeks(NOON), 7), (history.days(NOON), 1)):
        assert spans[-1].last == NOON.date()
        for one, other in itertools.pairwise(spans):
            assert one.ends == other.begins and other.ends - other.begins == timedelta(days=length)


def test_coverage_is_counted_back_by_what_came_and_went(songs: list[Track]) -> None:
    happened(songs[0], "finish", 1)  # came this week
    happened(songs[1], "restore", 8)  # back last week …
    happened(songs[1], "vanish", 10)  # … after it had gone that week
    happened(songs[2], "adopt", 15)
    weeks = history.by_week(NOON, songs=6, here=6)
    assert [week.here for week in weeks[-4:]] == [4, 5, 5, 6]
    assert {week.songs for week in weeks} == {6} and len(weeks) == history.WEEKS


def test_songs_that_were_not_known_yet_do_not_count(songs: list[Track]) -> None:
    Track.objects.filter(pk__in=[song.pk for song in songs[:4]]).update(added_at=NOON - timedelta(days=9))
    Track.objects.filter(pk__in=[song.pk for song in songs[4:]]).update(added_at=NOON - timedelta(days=16))
    weeks = history.by_week(NOON, songs=6, here=0)
    assert [week.songs for week in weeks] == [2, 6, 6]


def test_failures_are_told_by_kind_and_week(songs: list[Track]) -> None:
    happened(songs[0], "fail", 1, "network")
    happened(songs[0], "fail", 2, "network")
    happened(songs[1], "fail", 2, "no_match")
    happened(songs[1], "fail", 20, "no_match")
    told = [history.failed(week) for week in history.weeks(NOON)]
    assert told[-3:] == [{"no_match": 1}, {}, {"network": 2, "no_match": 1}]


def test_a_day_begins_at_midnight_of_the_servers_zone(songs: list[Track], settings: LazySettings) -> None:
    with timezone.override("Asia/Tokyo"):
        Event.objects.create(track=songs[0], kind="finish", at=datetime(2026, 11, 28, 15, 30, tzinfo=UTC))
        today, yesterday = history.days(NOON)[-1], history.days(NOON)[-2]
        assert history.arrived([today, yesterday]) == [1, 0]
