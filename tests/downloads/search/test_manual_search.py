"""Searches in a person's own words: written down by a page, answered by a job, over a real server."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from catalog.models import Service
from downloads.jobs import tasks
from downloads.matching.features import TrackQuery
from downloads.models import Search
from downloads.search import manual_search
from downloads.search.archive import ArchiveSource
from downloads.search.youtube_music import queries
from downloads.worker import loop
from tests.downloads.archive_world import missing_track, serve
from tests.downloads.loopback import Loopback, sends_json, status
from tests.world import World

pytestmark = pytest.mark.django_db


def test_what_is_found_by_a_persons_words_is_kept_and_a_fitting_one_is_fetched(world: World, archive):
    track = missing_track(world, "Nocturne")
    assert loop.work_one(now=lambda: world.now).error_kind == "no_match"
    serve(archive, track)
    manual_search.ask(track, "nocturne", world.now)
    assert manual_search.waiting(world.now)
    assert manual_search.answer_all(world.now) == 1
    asked = Search.objects.get()
    assert (asked.found, asked.problem, asked.answered_at) == (1, "", world.now)
    assert not manual_search.waiting(world.now)
    assert loop.work_one(now=lambda: world.now).result == "downloaded", "it cooled down, and is due again"


def test_nothing_found_is_said(world: World, archive):
    track = missing_track(world)
    manual_search.ask(track, "whatever", world.now)
    manual_search.answer_all(world.now)
    assert Search.objects.get().problem == "Nothing was found by these words."


def test_a_server_that_is_down_is_said_and_not_asked_for_ever(world: World, archive):
    manual_search.ask(missing_track(world), "nocturne", world.now)
    archive.stop()
    assert manual_search.answer_all(world.now) == 1
    assert Search.objects.get().problem == "The audio server does not answer."
    assert manual_search.answer_all(world.now) == 0


def test_a_paused_source_is_not_asked_until_it_goes_on(world: World, archive):
    manual_search.ask(missing_track(world), "nocturne", world.now)
    Service.objects.pause("audio", world.now + timedelta(hours=1), "slow down", now=world.now)
    assert manual_search.answer_all(world.now) == 0
    assert archive.requests == {}
    assert manual_search.answer_all(world.later(hours=2)) == 1


def test_a_site_that_says_stop_is_not_asked_the_next_question(world: World, settings):
    with Loopback({"/search": status(429, Retry_After="60")}) as site:
        settings.AUDIO_SOURCE, settings.ARCHIVE_URL = "archive", site.url
        for number in range(3):
            manual_search.ask(missing_track(world, f"Song {number}", number=number), "nocturne", world.now)
        manual_search.answer_all(world.now)
        assert len(site.asked) == 1
        assert Search.objects.filter(answered_at=None).count() == 2


def test_new_words_replace_old_ones_and_are_asked_again(world: World, archive):
    track = missing_track(world)
    manual_search.ask(track, "one", world.now)
    manual_search.answer_all(world.now)
    manual_search.ask(track, "two", world.now)
    assert Search.objects.get().answered_at is None
    assert manual_search.answer_all(world.now) == 1


def test_the_job_answers_and_wakes_the_workers(world: World, archive):
    manual_search.ask(missing_track(world), "nocturne", world.now)
    assert tasks.answer_searches() == "1 answered"
    assert Search.objects.get().answered_at is not None


def test_the_audio_server_is_asked_for_the_words_alone():
    with Loopback({"/search": sends_json({"candidates": []})}) as site:
        ArchiveSource(site.url).search(TrackQuery("Title", ("Artist",), "Album", 1000), "my words")
        assert parse_qs(urlsplit(site.asked[0]).query) == {"title": ["my words"]}


def test_youtube_is_asked_for_the_words_alone_in_songs_and_videos():
    assert list(queries(TrackQuery("Title", ("Artist",), "Album"), "my  words")) == [
        ("my words", "songs"),
        ("my words", "videos"),
    ]
