"""When a failure is everybody's: pauses of the audio source, and who pays for them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog.models import Service, Track
from downloads.failures import circuit_breaker
from downloads.failures.kinds import DownloadError
from downloads.matching.features import SearchResult, TrackQuery
from downloads.search import sources
from downloads.worker import loop
from downloads.worker.attempt import Outcome
from tests.downloads.archive_world import missing_track
from tests.world import World

pytestmark = pytest.mark.django_db


class Site:
    """A site that answers each search with an error of the kind that ``kinds`` names for the song's title."""

    needs_ytdlp = True
    rate_limit = None

    def __init__(self, default: str = "") -> None:
        self.default = default
        self.kinds: dict[str, str] = {}

    def search(self, query: TrackQuery, words: str = "") -> list[SearchResult]:
        kind = self.kinds.get(query.title, self.default)
        if kind:
            raise DownloadError(kind, "It said no.")
        Service.objects.worked("audio")  # as a fetch that succeeded does
        return []


@pytest.fixture
def site(world: World, settings, monkeypatch) -> Site:
    made = Site()
    monkeypatch.setattr(sources, "_source", lambda name: made)
    return made


def work(world: World, times: int = 1) -> list[Outcome | None]:
    return [loop.work_one(now=lambda: world.now) for _ in range(times)]


def results(outcomes: list[Outcome | None]) -> list[str]:
    return [outcome.result if outcome else "" for outcome in outcomes]


def tracks(world: World, count: int) -> list[Track]:
    return [missing_track(world, f"Song {number}", number=number) for number in range(count)]


@pytest.mark.parametrize("kind", ["no_formats", "outdated", "unavailable", "unknown", "server", "geo"])
def test_five_different_tracks_that_fail_alike_pause_whatever_the_kind(world: World, site: Site, kind: str) -> None:
    tracks(world, 7)
    site.default = kind
    assert results(work(world, 6)) == ["failed"] * 4 + ["released", ""]
    assert Service.objects.get(name="audio").is_paused(world.now)


@pytest.mark.parametrize("kind", ["no_match", "wrong_length", "low_quality", "needs_decision"])
def test_what_says_nothing_of_the_site_pauses_nothing(world: World, site: Site, kind: str) -> None:
    tracks(world, 7)
    site.default = kind
    assert results(work(world, 7)) == ["failed"] * 7


def test_an_outage_is_seen_among_tracks_that_nobody_has(world: World, site: Site) -> None:
    """Half of the library is dead: failures of another kind stand between those of the outage."""
    songs = tracks(world, 12)
    site.kinds = {song.title: "no_match" if number % 2 else "server" for number, song in enumerate(songs)}
    assert results(work(world, 12)) == ["failed"] * 8 + ["released"] + [""] * 3


def test_recordings_known_to_be_dead_pause_nothing_for_the_others(world: World, site: Site) -> None:
    songs = tracks(world, 6)
    Track.objects.filter(pk__in=[song.pk for song in songs]).update(attempts=3, error_kind="unavailable")
    site.default = "unavailable"
    assert results(work(world, 6)) == ["failed"] * 6


def test_two_workers_that_meet_one_refusal_pause_an_hour_together(world: World) -> None:
    for _ in range(2):
        circuit_breaker.pause("bot_check", "Sign in.", None, world.now)
    service = Service.objects.get(name="audio")
    assert service.paused_until == world.now + timedelta(hours=1)


def test_one_recording_that_asks_for_a_login_twice_is_the_cause_itself(world: World, site: Site) -> None:
    (song,) = tracks(world, 1)
    site.kinds = {song.title: "login"}
    assert results(work(world)) == ["released"]
    song.refresh_from_db()
    assert (song.attempts, song.error_kind, song.last_error) == (0, "login", "It said no.")
    world.later(hours=1)
    assert results(work(world)) == ["failed"]
    song.refresh_from_db()
    assert song.attempts == 1 and song.retry_after > world.now
    missing_track(world, "Another", number=9)
    assert results(work(world)) == ["failed"], "the other one is tried at once: no_match here"
    assert not Service.objects.get(name="audio").is_paused(world.now)


def test_the_song_that_brought_a_pause_goes_last(world: World, site: Site) -> None:
    """Else it would be the one that goes first after each pause, and all others would wait for it."""
    culprit, *others = tracks(world, 4)
    site.kinds = {culprit.title: "login"}
    site.default = "geo"
    assert [outcome.track_id for outcome in work(world)] == [culprit.pk]
    world.later(hours=1)
    assert [outcome.track_id for outcome in work(world, 4)] == [*(other.pk for other in others), culprit.pk]


def test_a_login_that_everybody_meets_pauses_longer_and_longer(world: World, site: Site) -> None:
    tracks(world, 4)
    site.default = "login"
    pauses = []
    for _ in range(4):
        assert results(work(world)) == ["released"]
        until = Service.objects.get(name="audio").paused_until
        assert until
        pauses.append((until - world.now) / timedelta(hours=1))
        world.later(hours=pauses[-1])
    assert pauses == [1, 6, 24, 48]


def test_an_hour_of_outage_costs_few_questions_and_no_recording(world: World, site: Site) -> None:
    songs = tracks(world, 12)
    site.default = "no_formats"
    asked = 0
    for _ in range(60):
        asked += sum(outcome is not None for outcome in work(world, 3))
        world.later(minutes=1)
    assert asked <= 20
    site.default = ""
    world.later(hours=2)
    for _ in range(12):
        work(world, 3)
        world.later(minutes=30)
    assert not Track.objects.filter(pk__in=[song.pk for song in songs], error_kind="no_formats").exists()
