"""What a search answered is kept whole: a retry judges it as the search did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from downloads.matching.features import SearchResult
from downloads.models import Candidate
from downloads.search import candidates
from downloads.worker import loop
from tests.downloads.archive_world import missing_track, serve

pytestmark = pytest.mark.django_db

ANSWER = SearchResult(
    id="dQw4w9WgXcQ",
    title="Nocturne",
    artists=("Maria Ruiz", "Ann B"),
    album="First Light",
    duration_ms=200_000,
    url="https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    kind="video",
    isrc="XXABC2400001",
    explicit=True,
    views=3_000_000_000,
)


def test_a_kept_row_says_all_that_the_answer_said(world):
    track = missing_track(world)
    candidates.keep(track, candidates.query_for(track), [ANSWER], world.now)
    assert candidates.search_result_of(Candidate.objects.get()) == ANSWER
    again = SearchResult(ANSWER.id, "Nocturne (Live)", url=ANSWER.url, kind="song", explicit=False)
    candidates.keep(track, candidates.query_for(track), [again], world.now)
    assert candidates.search_result_of(Candidate.objects.get()) == again


def test_the_same_isrc_is_enough_for_a_title_that_is_written_otherwise(world, archive):
    track = missing_track(world, isrc="XXABC2400001")
    serve(archive, track, title="Notturno", isrc="XXABC2400001")
    assert loop.work_one(now=lambda: world.now).result == "downloaded"


def test_of_two_releases_the_one_with_the_wishs_own_mark_comes_first(world, settings):
    settings.AUDIO_SOURCE = "youtube"
    track = world.make_track("Nocturne", duration_ms=200_000, explicit=True)
    clean, dirty = (
        replace(ANSWER, id=name, explicit=name == "dirty", artists=("Maria Ruiz",)) for name in ("clean", "dirty")
    )
    candidates.keep(track, candidates.query_for(track), [clean, dirty], world.now)
    assert [one.source_id for one in candidates.fitting(track)] == ["dirty", "clean"]
