"""The names that were taken for one song, on its page."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import Alias, Track

pytestmark = pytest.mark.django_db


def name_of(track: Track, letter: str) -> Alias:
    return Alias.objects.create(key=f"spotify:{letter * 22}", track=track, duration_ms=99_000)


def test_a_song_of_two_names_says_so_and_is_parted_by_a_button(world, admin_client: Client) -> None:
    track = world.make_track("Intro", number=31)
    second = name_of(track, "B")
    page = admin_client.get(f"/tracks/{track.pk}").content.decode()
    assert page.count("These are two songs") == track.aliases.count() > 1
    admin_client.post(f"/tracks/{track.pk}/separate", {"name": second.pk})
    second.refresh_from_db()
    assert second.track_id != track.pk and second.apart
    assert admin_client.get(f"/tracks/{second.track_id}").content.decode().count("These are two songs") == 0
    assert Track.objects.get(pk=second.track_id).artist_names == track.artist_names


def test_a_name_of_another_song_parts_nothing(world, admin_client: Client) -> None:
    one, other = world.make_track("Intro", number=31), world.make_track("Outro", number=32)
    name = name_of(other, "A").pk
    assert admin_client.post(f"/tracks/{one.pk}/separate", {"name": name}).status_code == 404
    assert admin_client.post(f"/tracks/{one.pk}/separate", {"name": "x"}).status_code == 404
