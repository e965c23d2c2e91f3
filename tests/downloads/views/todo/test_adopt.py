"""The page of doubtful files: what it shows, and what yes and no do."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import AdoptionMatch, JobRequest, Track
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(admin_client: Client) -> Client:
    return admin_client


def doubt(world: World, title: str = "Nocturne", file: str = "mine/a.mp3", **columns) -> AdoptionMatch:
    track = world.make_track(title, duration_ms=240_000, **columns)
    return AdoptionMatch.objects.create(
        track=track, file=file, size=1234, why="title and artist, but its length is 4 s"
    )


def test_the_page_shows_song_file_and_why(world, staff):
    doubt(world, "<b>Nocturne</b>", "mine/<i>.mp3")
    shown = staff.get("/adopt").content.decode()
    assert "&lt;b&gt;Nocturne&lt;/b&gt;" in shown
    assert "mine/&lt;i&gt;.mp3" in shown
    assert "but its length is 4 s" in shown
    assert "<b>Nocturne" not in shown


def test_yes_makes_the_file_the_tracks_and_asks_for_a_look(world, staff):
    row = doubt(world)
    other = doubt(world, "Etude", "mine/b.mp3")
    answer = staff.post("/adopt/answer", {"row": row.pk, "answer": "yes"}, follow=True)
    assert "1 file recognised." in answer.content.decode()
    found = Track.objects.get(pk=row.track_id)
    assert (found.status, found.local_path, found.size) == ("downloaded", str(world.root / "mine/a.mp3"), 1234)
    assert list(AdoptionMatch.objects.all()) == [other]
    assert JobRequest.objects.is_waiting("reconcile")


def test_no_leaves_the_file_alone_and_the_row_off_the_page(world, staff):
    rows = [doubt(world), doubt(world, "Etude", "mine/b.mp3")]
    staff.post("/adopt/answer", {"row": [row.pk for row in rows], "answer": "no"})
    assert AdoptionMatch.objects.filter(rejected=True).count() == 2
    assert "mine/a.mp3" not in staff.get("/adopt").content.decode()
    assert Track.objects.missing().count() == 2


def test_what_is_no_row_changes_nothing(world, staff):
    doubt(world)
    answer = staff.post("/adopt/answer", {"row": ["x", "99999", "9" * 30], "answer": "yes"}, follow=True)
    assert "That was answered already." in answer.content.decode()
    assert AdoptionMatch.objects.count() == 1


def test_a_song_that_has_its_file_by_now_is_not_asked_about(world, staff):
    row = doubt(world)
    world.put_file(Track.objects.get(pk=row.track_id))
    assert "No file is waiting for an answer" in staff.get("/adopt").content.decode()


def test_strangers_see_nothing_and_change_nothing(world, client, settings):
    settings.STATUS_PUBLIC = True
    row = doubt(world)
    assert client.get("/adopt").status_code == 302
    assert client.post("/adopt/answer", {"row": row.pk, "answer": "yes"}).status_code == 302
    assert AdoptionMatch.objects.filter(rejected=False).count() == 1
    assert Track.objects.missing().count() == 1


def test_many_doubts_are_paged(world, staff):
    for number in range(51):
        doubt(world, f"Song {number}", f"{number}.mp3")
    first = staff.get("/adopt").content.decode()
    assert first.count('class="path"') == 50
    assert 'rel="next"' in first
    last = AdoptionMatch.objects.order_by("pk")[49].pk
    assert staff.get(f"/adopt?after=[{last}]").content.decode().count('class="path"') == 1
