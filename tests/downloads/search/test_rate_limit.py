"""How often a site is asked: the budget of an hour, the pause for breath, and what is not paced."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import pairwise

import pytest

from catalog.models import Service, Track
from downloads.failures.kinds import DownloadError
from downloads.fetch import process
from downloads.matching.features import SearchResult as Answer
from downloads.models import RateLimitState
from downloads.review import decisions
from downloads.search import rate_limit, sources
from downloads.search.sources import RateLimit
from downloads.search.youtube import YouTubeSource
from downloads.worker import loop
from tests.downloads.archive_world import missing_track, serve
from tests.world import World

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
YOUTUBE = RateLimit(150, YouTubeSource.BURST, YouTubeSource.MIN_INTERVAL)


class Site:
    """A site that knows nothing, and counts how often it is asked."""

    needs_ytdlp = True
    rate_limit = YOUTUBE

    def __init__(self) -> None:
        self.asked = 0

    def search(self, query: object, words: str = "") -> list[Answer]:
        self.asked += 1
        return []


@pytest.fixture
def site(world: World, settings, monkeypatch) -> Site:
    settings.AUDIO_SOURCE = "youtube"
    made = Site()
    monkeypatch.setattr(sources, "_source", lambda name: made)
    return made


def test_an_hour_holds_no_more_songs_than_its_budget(world, settings):
    settings.AUDIO_SOURCE = "youtube"
    dice, moments = random.Random(7), []
    start = world.now
    while world.now < start + 6 * HOUR:
        assert rate_limit.may_request(world.now)
        rate_limit.record_request(world.now, dice)
        moments.append(world.now)
        assert not rate_limit.may_request(world.now)
        world.now = rate_limit.next_turn(world.now)
    busiest = max(sum(first <= one < first + HOUR for one in moments) for first in moments)
    assert YOUTUBE.per_hour * 0.9 < len(moments) / 6 < YOUTUBE.per_hour * 1.1
    assert busiest <= YOUTUBE.per_hour * 1.15 + YOUTUBE.burst
    assert min(b - a for a, b in pairwise(moments)) >= timedelta(seconds=YOUTUBE.min_interval[0])


def test_the_beat_is_not_a_clocks(world, settings):
    settings.AUDIO_SOURCE = "youtube"
    dice, breaths = random.Random(7), set()
    for _ in range(10):
        rate_limit.record_request(world.now, dice)
        breaths.add(RateLimitState.objects.get().not_before - world.now)
        world.later(hours=1)
    assert len(breaths) == 10


def test_a_worker_that_is_too_early_goes_back_and_the_track_stays_as_it_was(world, site):
    _, second = (missing_track(world, f"Song {number}", number=number) for number in range(2))
    assert loop.work_one(now=lambda: world.now).error_kind == "no_match"
    assert loop.work_one(now=lambda: world.now) is None
    second.refresh_from_db()
    assert (second.status, second.attempts, second.retry_after <= world.now) == ("missing", 0, True)
    assert site.asked == 1
    world.now = rate_limit.next_turn(world.now)
    assert loop.work_one(now=lambda: world.now).track_id == second.pk


def test_a_worker_that_is_too_early_does_not_use_up_the_canary(world, site):
    missing_track(world)
    Service.objects.pause("audio", world.now + HOUR, "slow down", now=world.now)
    world.later(hours=1)
    rate_limit.record_request(world.now)
    assert loop.work_one(now=lambda: world.now) is None
    assert Service.objects.get(name="audio").state != "canary"


@pytest.mark.django_db(transaction=True)
def test_work_until_empty_waits_for_its_turn_and_ends_with_the_queue(world, site):
    for number in range(20):
        missing_track(world, f"Song {number}", number=number)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        world.later(seconds=seconds)

    assert loop.work_until_empty(now=lambda: world.now, sleep=sleep) == 20
    assert site.asked == 20 and sum(slept) > 20 * YOUTUBE.min_interval[0]
    assert not Track.objects.queue(world.now).exists()


def test_ones_own_audio_server_is_not_paced(world, archive):
    for number in range(3):
        serve(archive, missing_track(world, f"Nocturne {number}", number=number))
        assert loop.work_one(now=lambda: world.now).result == "downloaded"
    assert not RateLimitState.objects.exists()


@pytest.fixture
def fetched(world: World, archive, monkeypatch) -> list[str]:
    """The addresses that are fetched where one's own server is the source; nothing comes of them."""
    asked: list[str] = []

    def fetch(url: str, *_: object, **__: object) -> None:
        asked.append(url)
        raise DownloadError("unavailable", "It is not there.")

    monkeypatch.setattr(process, "fetch", fetch)
    return asked


def test_a_persons_own_youtube_choice_keeps_youtubes_pace_beside_ones_own_server(world, fetched):
    tracks = [missing_track(world, f"Song {number}", number=number) for number in range(2)]
    for number, track in enumerate(tracks):
        decisions.choose_url(track, f"dQw4w9WgXc{number}", world.now, "anna")
    assert loop.work_one(now=lambda: world.now).error_kind == "unavailable"
    early = loop.work_one(now=lambda: world.now)
    waits = Track.objects.get(pk=early.track_id)
    turn = rate_limit.next_turn(world.now, "youtube")
    assert (early.result, waits.status, waits.attempts) == ("released", "missing", 0)
    assert waits.retry_after == turn > world.now
    assert loop.work_one(now=lambda: world.now) is None and len(fetched) == 1
    world.now = turn
    assert loop.work_one(now=lambda: world.now).track_id == waits.pk and len(fetched) == 2


@pytest.mark.django_db(transaction=True)
def test_work_until_empty_waits_for_the_pace_of_chosen_recordings_too(world, fetched):
    for number in range(3):
        track = missing_track(world, f"Song {number}", number=number)
        decisions.choose_url(track, f"dQw4w9WgXc{number}", world.now, "anna")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        world.later(seconds=seconds)

    loop.work_until_empty(now=lambda: world.now, sleep=sleep)
    assert len(fetched) == 3 and sum(slept) >= 2 * YOUTUBE.min_interval[0]


def test_a_clock_that_was_set_back_does_not_stop_us_for_long(world, settings):
    settings.AUDIO_SOURCE = "youtube"
    far = world.now + timedelta(days=900)
    RateLimitState.objects.create(source="youtube", not_before=far, booked_until=far)
    assert rate_limit.next_turn(world.now) <= world.now + HOUR
