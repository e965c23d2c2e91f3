"""Recordings that a site's bad day had sent away come back; those whose content failed stay away."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from downloads.models import Candidate
from tests.downloads.archive_world import missing_track
from tests.world import World

pytestmark = pytest.mark.django_db
give_back = import_module("downloads.migrations.0010_give_back_recordings_a_site_was_ill_for").give_back


def candidate(world: World, why: str, verdict: str, title: str) -> Candidate:
    track = missing_track(
        world, title, last_error="x", error_kind="no_match", attempts=4, retry_after=world.now + timedelta(days=6)
    )
    return Candidate.objects.create(
        track=track, source="youtube", source_id="a" * 11, url="x", verdict=verdict, why=why, found_at=world.now
    )


def test_only_what_was_said_of_the_site_is_taken_back(world: World) -> None:
    ill = candidate(world, "No video formats found!", "disproved", "One")
    chosen = candidate(world, "Requested format is not available. Use --list-formats", "chosen", "Two")
    wrong = candidate(world, "The recording takes 30.0 s, the track takes 200.0 s.", "disproved", "Three")
    give_back(apps, SimpleNamespace(connection=connection))
    for row in (ill, chosen, wrong):
        row.refresh_from_db()
    assert [(row.verdict, row.why) for row in (ill, chosen)] == [("", ""), ("chosen", "")]
    assert wrong.verdict == "disproved" and wrong.track.attempts == 4
    assert ill.track.attempts == 0 and ill.track.retry_after < wrong.track.retry_after
