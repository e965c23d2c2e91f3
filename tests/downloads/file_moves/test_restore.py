"""A file that gave way to another recording comes back, through every crash, and no file is lost on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.test import Client

from catalog.ingest import merge
from catalog.library.reconcile import reconcile
from catalog.models import JobRequest, Track
from catalog.system import failpoints
from catalog.tracks import transitions
from downloads.file_moves import superseded
from downloads.file_moves.restore import ask_back
from downloads.file_moves.trash import process_trash_requests, recover
from downloads.models import AudioFile, Candidate, FormerFile
from downloads.publishing import link_method, staging
from downloads.review import decisions
from tests.downloads.archive_world import missing_track
from tests.world import World, publish_by

pytestmark = pytest.mark.django_db
Verdict = Candidate.Verdict


class Died(BaseException):
    """A process that ends at once."""


@pytest.fixture(params=link_method.WAYS)
def method(request, world: World) -> str:
    """Each way in which a disk may put a file in place."""
    publish_by(request.param)
    return request.param


@pytest.fixture
def changed(world: World) -> tuple[Track, bytes, bytes]:
    """A song whose file gave way to another one, which has the old name now; what both files hold."""
    track = missing_track(world)
    world.put_file(track, b"the former recording")
    named = {"source": "archive", "source_id": "1", "url": "http://nas/1", "found_at": world.now}
    first = Candidate.objects.create(track=track, title="Nocturne", **named)
    AudioFile.objects.create(track=track, candidate=first, duration_ms=4_000, proved_at=world.now)
    live = Candidate.objects.create(track=track, title="Nocturne (Live)", **(named | {"source_id": "2"}))
    decisions.choose(live, world.now, "anna")
    staging.open_stage(track)
    superseded.move_to_trash(track, world.now)
    world.put_file(track, b"another recording of it")
    AudioFile.objects.update(candidate=live)
    return track, b"the former recording", b"another recording of it"


def die_at(point: str) -> None:
    def on_reach(reached: str) -> None:
        if reached == point:
            raise Died

    failpoints.on_failpoint = on_reach


@pytest.fixture(autouse=True)
def _alive():
    yield
    failpoints.on_failpoint = None


def contents(world: World) -> list[bytes]:
    """What the track's files hold, each file once, however many names it has."""
    files = {path.stat().st_ino: path for path in world.root.rglob("*Nocturne*.mp3")}
    return sorted(path.read_bytes() for path in files.values())


def assert_is(world: World, track: Track, content: bytes) -> None:
    """The row names a file that holds ``content``, and the disk agrees with all rows."""
    track.refresh_from_db()
    assert (track.status, Path(track.local_path).read_bytes() == content) == ("downloaded", True)
    assert ".bin" not in track.local_path and track.size == len(content)
    report = reconcile(world.now, full=True, sizes=True)
    assert (report.vanished, report.restored, report.other_size) == (0, 0, 0)


def test_what_gave_way_is_written_down_with_where_it_came_from(world, changed):
    track, old, _ = changed
    item = FormerFile.objects.get()
    assert (item.track, item.state, item.origin) == (track, "binned", os.path.relpath(track.local_path, world.root))
    assert (world.root / item.target).read_bytes() == old
    assert item.candidate.title == "Nocturne" and item.size == len(old)


def test_it_takes_its_old_place_again_and_the_other_one_goes_to_the_bin(world, changed, method):
    track, old, new = changed
    path = track.local_path
    assert ask_back([FormerFile.objects.get().pk], world.now, "anna") == 1
    assert process_trash_requests(world.now).returned == 1
    assert_is(world, track, old)
    assert track.local_path == path
    item = FormerFile.objects.get()
    assert (item.state, (world.root / item.target).read_bytes()) == ("binned", new)
    assert not track.candidates.filter(verdict=Verdict.CHOSEN).exists(), "else the next fetch would undo it"
    assert not AudioFile.objects.filter(track=track).exists(), "it was proven of the other file"
    assert track.events.filter(kind="decide", by="anna").count() == 2
    ask_back([item.pk], world.now, "anna")
    assert process_trash_requests(world.now).returned == 1
    assert_is(world, track, new)


def test_never_said_of_the_former_one_falls_with_the_wish_to_have_it_again(world, changed):
    track, _, _ = changed
    decisions.exclude(FormerFile.objects.get().candidate, world.now, "anna")
    ask_back([FormerFile.objects.get().pk], world.now, "anna")
    assert set(track.candidates.values_list("verdict", flat=True)) == {Verdict.OPEN}


def test_a_song_without_a_file_gets_its_former_one(world, changed):
    track, old, _ = changed
    os.unlink(track.local_path)
    transitions.vanish({track.pk: track.file_name}, world.now)
    path = track.local_path
    ask_back([FormerFile.objects.get().pk], world.now, "anna")
    assert process_trash_requests(world.now).returned == 1
    assert_is(world, track, old)
    assert track.local_path == path and not FormerFile.objects.exists()
    assert not (world.root / ".bin" / f"{world.now:%Y-%m-%d}").exists()


def test_a_name_that_a_stranger_took_meanwhile_is_left_to_them(world, changed):
    track, old, _ = changed
    stranger = Path(track.local_path)
    os.unlink(stranger)
    transitions.vanish({track.pk: track.file_name}, world.now)
    stranger.write_bytes(b"a stranger's")
    ask_back([FormerFile.objects.get().pk], world.now, "anna")
    assert process_trash_requests(world.now).returned == 1
    track.refresh_from_db()
    assert Path(track.local_path).read_bytes() == old and stranger.read_bytes() == b"a stranger's"


@pytest.mark.parametrize("pass_between", [False, True])
@pytest.mark.parametrize("point", ["former_noted", "former_moved", "former_back", "former_followed"])
def test_a_crash_on_the_way_back_loses_neither_file(world, changed, method, point, pass_between):
    track, old, new = changed
    ask_back([FormerFile.objects.get().pk], world.now, "anna")
    die_at(point)
    with pytest.raises(Died):
        process_trash_requests(world.now)
    failpoints.on_failpoint = None
    found = (lambda: sorted(set(contents(world)))) if method == link_method.COPY else (lambda: contents(world))
    assert found() == sorted([old, new])  # a copy that was cut off may leave a second one in the bin, never none
    recover(world.now)
    if pass_between:
        reconcile(world.now, full=True)
    process_trash_requests(world.now)
    reconcile(world.now, full=True)
    process_trash_requests(world.now)
    assert_is(world, track, old)
    assert found() == sorted([old, new])
    item = FormerFile.objects.get()
    assert (item.state, (world.root / item.target).read_bytes()) == ("binned", new)


def test_what_somebody_took_from_the_bin_is_not_waited_for(world, changed):
    track, _, new = changed
    item = FormerFile.objects.get()
    os.unlink(world.root / item.target)
    ask_back([item.pk], world.now, "anna")
    assert process_trash_requests(world.now).gone == 1
    assert_is(world, track, new)
    assert not FormerFile.objects.exists()


def test_one_at_a_time_and_only_for_songs_that_are_wanted(world, changed):
    track, _, _ = changed
    item = FormerFile.objects.get()
    Track.objects.filter(pk=track.pk).update(wanted=False)
    assert ask_back([item.pk], world.now, "anna") == 0
    Track.objects.filter(pk=track.pk).update(wanted=True)
    other = FormerFile.objects.create(track=track, state="binned", origin="a.mp3", target=".bin/a.mp3", size=1)
    assert ask_back([item.pk, other.pk], world.now, "anna") == 1


def test_a_song_that_is_being_fetched_waits_for_its_worker(world, changed):
    track, _, _ = changed
    ask_back([FormerFile.objects.get().pk], world.now, "anna")
    Track.objects.filter(pk=track.pk).update(status="downloading", claim="x" * 16, claim_until=world.later(minutes=2))
    assert process_trash_requests(world.now).left == 1
    assert FormerFile.objects.get().state == "returning"


def test_it_goes_along_when_two_rows_become_one(world, changed):
    track, _, _ = changed
    keep = missing_track(world, "Nocturne", number=4)
    Track.objects.filter(pk=track.pk).update(status="missing", local_path="", folder=None, file_name="", name_key="")
    track.refresh_from_db()
    assert merge.merge(keep, track)
    assert FormerFile.objects.get().track == keep


def test_the_page_lists_it_and_its_button_brings_it_back(world, changed, admin_client: Client, client: Client):
    track, old, _ = changed
    item = FormerFile.objects.get()
    shown = admin_client.get("/bin").content.decode()
    assert "Replaced by another recording" in shown and item.origin in shown
    assert client.post("/bin/former-back", {"file": item.pk}).status_code == 302
    assert FormerFile.objects.get().state == "binned", "a stranger's wish is none"
    answer = admin_client.post("/bin/former-back", {"file": [item.pk, "x", "9" * 30]}, follow=True).content.decode()
    assert "1 file will be back" in answer and "on its way back" in answer
    assert JobRequest.objects.is_waiting("reconcile")
    assert process_trash_requests(world.now).returned == 1
    assert_is(world, track, old)
