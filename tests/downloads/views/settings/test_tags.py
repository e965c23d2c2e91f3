"""The page of tags: what would be written, the switch, and the buttons that ask for a job."""

from __future__ import annotations

import pytest
from django.test import Client
from django_q.models import OrmQ

from catalog.db import database_clock
from catalog.models import JobRequest, Library, Run, Track
from catalog.system.file_locks import try_lock
from downloads.jobs import backlog, tasks
from downloads.models import WrittenTags
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def corrected(world: World) -> Track:
    track = next(iter(world.tracks.values()))
    WrittenTags.objects.create(track=track, fields={"title": ["<b>Old"]}, digest="old", kept=["album"])
    Track.objects.filter(pk=track.pk).update(title="<b>New")
    return track


def queued() -> list[str]:
    return [row.task["func"] for row in OrmQ.objects.all()]


def test_the_page_shows_the_plan(corrected: Track, admin_client: Client) -> None:
    shown = admin_client.get("/tags").content.decode()
    assert "&lt;b&gt;New" in shown and "<b>New" not in shown
    assert "yours stays: album" in shown
    assert "Undo the last time" not in shown


def test_the_buttons_ask_for_jobs_and_the_switch_is_kept(corrected: Track, admin_client: Client) -> None:
    assert "Write the tags of 101 files?" in admin_client.post("/tags/apply", {"files": "101"}).content.decode()
    assert not JobRequest.objects.is_waiting("retag_files")
    admin_client.post("/tags/apply", {"files": "100"})
    assert JobRequest.objects.is_waiting("retag_files")
    assert "The tags are to be written:" in admin_client.get("/tags").content.decode()
    admin_client.post("/tags/undo")
    shown = admin_client.get("/tags").content.decode()
    assert "to be written back: within a minute" in " ".join(shown.replace(":\n", ": ").split())
    assert list(JobRequest.objects.values_list("kind", flat=True)) == ["undo_retag"], "the last wish counts"
    assert queued() == ["downloads.jobs.retag_files", "downloads.jobs.undo_retag"]
    admin_client.post("/tags/save", {})
    assert not Library.load().retag
    admin_client.post("/tags/save", {"retag": "yes", "artist_tag": "each", "id3_version": "3", "write_m3u": "yes"})
    library = Library.load()
    assert (library.retag, library.artist_tag, library.id3_version, library.write_m3u) == (True, "each", 3, True)
    admin_client.post("/tags/save", {"artist_tag": "nonsense", "id3_version": "9"})
    library = Library.load()
    assert (library.artist_tag, library.id3_version, library.write_m3u) == ("joined", 4, False)


def test_while_a_pass_runs_the_wish_is_kept_and_said_and_done_after_it(corrected: Track, admin_client: Client) -> None:
    run = Run.objects.create(kind=Run.Kind.RECONCILE, started_at=database_clock.now())
    with try_lock("reconcile"):
        shown = admin_client.post("/tags/apply", follow=True).content.decode()
        assert "The tags are written when that has ended." in shown
        assert "when the look at the music folder that is under way has ended" in shown
        assert "The music folder is being scanned" in tasks.retag_files()
        assert JobRequest.objects.is_waiting("retag_files")
    Run.objects.filter(pk=run.pk).update(ended_at=database_clock.now())
    OrmQ.objects.all().delete()
    tasks.tick()
    assert "downloads.jobs.retag_files" in queued()
    assert tasks.retag_files() == "0 tagged anew, 1 left", "it is no sound file"
    assert not JobRequest.objects.exists()
    assert tasks.retag_files() == "done already"


@pytest.mark.parametrize("wanted", [True, False])
def test_each_day_the_tags_follow_unless_a_person_switched_that_off(world: World, wanted: bool) -> None:
    Library.objects.update(retag=wanted)
    backlog.reconcile_and_wake(world.now, full=True)
    assert ("downloads.jobs.retag_files" in queued()) is wanted
