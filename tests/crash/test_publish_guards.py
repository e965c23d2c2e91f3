"""Every step of the way into the library, one test each: it turns red when that one step is left out.

`python -m tests.mutation.mutants` leaves them out one at a time and demands just that.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError

from catalog.models import Track
from catalog.system import failpoints
from catalog.tags import audio_tags
from catalog.tracks import transitions
from catalog.tracks.place import NO_PLACE
from downloads.failures.kinds import DownloadError
from downloads.fetch import process
from downloads.models import Candidate
from downloads.publishing import link_method, publish, staging, target_path
from downloads.worker import attempt as worker_attempt
from downloads.worker import rescue
from tests.crash.workspace import make_recordings
from tests.world import World, publish_by

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
OTHER = "0" * 32
LATE = transitions.LEASE + MINUTE


@dataclass
class Case:
    """A claimed track whose file lies tagged in its stage."""

    world: World
    track: Any
    staged: publish.Staged

    @property
    def row(self) -> Track:
        return Track.objects.get(pk=self.track.pk)

    @property
    def wished(self) -> str:
        return target_path.target_place(self.track, "mp3").path

    def publish(self) -> publish.Place:
        return publish.publish(self.track, self.staged, lambda: self.world.now)

    def recover(self, read: Track | None = None) -> bool:
        late = self.world.now + LATE
        return rescue.recover_one(read or self.row, late, late)

    def lose(self) -> None:
        """Another worker holds the track by now."""
        Track.objects.filter(pk=self.track.pk).update(claim=OTHER, reserved=False, **NO_PLACE)


@pytest.fixture
def case(world: World, recordings: Path) -> Case:
    return make_case(world, recordings)


def make_case(world: World, recordings: Path, **columns: Any) -> Case:
    make_recordings(recordings)
    track = transitions.claim_one(world.make_track("Song", **columns).pk, world.now)
    assert track
    path = os.path.join(staging.open_stage(track), "audio.mp3")
    Path(path).write_bytes((recordings / "0.mp3").read_bytes())
    said = audio_tags.TrackTags(
        "Song", ("Maria Ruiz",), spotify_id=track.spotify_id or "", track_key=staging.claim_key(track)
    )
    audio_tags.write_tags(path, said, None)
    return Case(world, track, publish.Staged(path, os.stat(path).st_size, "mp3"))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """``at(point, deed)``: what happens when the point is reached, the first time."""

    def arrange(point: str, deed: Callable[[], object]) -> None:
        waiting = {point: deed}

        def reached(here: str) -> None:
            waiting.pop(here, lambda: None)()

        monkeypatch.setattr(failpoints, "on_failpoint", reached)

    return arrange


# --- The order --------------------------------------------------------------------------------------------


def test_the_row_names_place_and_size_before_the_file_is_there(case, monkeypatch):
    publish_by(link_method.LINK)
    seen = []
    put = link_method.put_in_place

    def look(source: str, target: str, method: str) -> None:
        row = case.row
        seen.append((row.status, row.reserved, row.local_path == target, row.size))
        put(source, target, method)

    monkeypatch.setattr(link_method, "put_in_place", look)
    case.publish()
    assert seen == [("downloading", True, True, case.staged.size)]


def test_file_and_folder_are_safe_on_the_disk_before_the_row_relies_on_them(case, monkeypatch):
    publish_by(link_method.LINK)
    seen = []
    sync = os.fsync

    def look(descriptor: int) -> None:
        folder = os.path.isdir(f"/proc/self/fd/{descriptor}")
        seen.append(("folder" if folder else "file", case.row.reserved, case.row.status))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    case.publish()
    assert seen == [("file", False, "downloading"), ("folder", True, "downloading")]


def test_a_published_file_may_be_read_by_others_and_its_row_says_so(case):
    place = case.publish()
    assert os.stat(place.path).st_mode & 0o777 == 0o644
    assert os.stat(os.path.dirname(place.path)).st_mode & 0o777 == 0o755
    assert (case.row.status, case.row.local_path) == ("downloaded", place.path)


# --- Nothing is overwritten -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", link_method.WAYS)
def test_a_strangers_file_that_comes_at_the_last_moment_is_left_alone(case, at, method):
    publish_by(method)

    def come() -> None:
        Path(case.wished).parent.mkdir(exist_ok=True)
        Path(case.wished).write_bytes(b"theirs")

    at("reserved", come)
    place = case.publish()
    assert place.path != case.wished
    assert Path(case.wished).read_bytes() == b"theirs"
    assert (case.row.status, case.row.local_path) == ("downloaded", place.path)


def test_a_place_that_another_track_has_is_passed_by(case):
    first = target_path.target_place(case.track, "mp3")
    other: Any = transitions.claim_one(case.world.make_track("Other", number=10).pk, case.world.now)
    assert transitions.reserve(other.pk, other.claim, first, 5, case.world.now)
    assert case.publish().path != first.path
    assert Track.objects.get(pk=other.pk).local_path == first.path


def test_a_track_without_a_free_name_is_told_so_in_a_sentence(case, monkeypatch):
    monkeypatch.setattr(publish, "is_taken", lambda path: True)
    with pytest.raises(publish.NoFreeName, match="taken by other files"):
        case.publish()
    attempt = worker_attempt.Attempt(case.track, lambda: case.world.now, lambda: False)
    monkeypatch.setattr(worker_attempt.Attempt, "_adopt", lambda self: None)
    monkeypatch.setattr(worker_attempt.Attempt, "_get", lambda self: case.publish())
    outcome = attempt.run()
    assert (outcome.result, outcome.error_kind) == ("failed", "no_free_name")
    assert "taken by other files" in case.row.last_error


def test_a_link_whose_answer_was_lost_on_the_network_counts(case, monkeypatch):
    link = os.link

    def link_and_lose_the_answer(source: str, target: str, **options: bool) -> None:
        link(source, target, **options)
        raise FileExistsError(errno.EEXIST, "exists", target)

    monkeypatch.setattr(os, "link", link_and_lose_the_answer)
    publish_by(link_method.LINK)
    assert case.publish().path == case.wished
    assert len(os.listdir(os.path.dirname(case.wished))) == len(case.world.tracks) - 4 + 1


@pytest.mark.parametrize("method", link_method.WAYS)
def test_a_files_own_second_name_is_taken_too(tmp_path, method):
    """On a disk that ignores case “a” and “A” are one file: who moves it there would delete it."""
    one, other = tmp_path / "a.mp3", tmp_path / "b.mp3"
    one.write_bytes(b"sound")
    os.link(one, other)
    with pytest.raises(FileExistsError):
        link_method.put_in_place(str(one), str(other), method)


# --- A worker that is late --------------------------------------------------------------------------------


def test_a_worker_past_its_deadline_puts_nothing_in_place(case, at, monkeypatch):
    publish_by(link_method.LINK)
    monkeypatch.setattr(link_method, "put_in_place", lambda *args: pytest.fail("not even for a moment"))
    at("synced", lambda: Track.objects.filter(pk=case.track.pk).update(claim_until=case.world.now - MINUTE))
    with pytest.raises(publish.LeaseLost):
        case.publish()
    assert not os.path.exists(case.wished)


def test_a_late_file_becomes_the_tracks_if_it_still_has_none(case, at):
    at("linked", lambda: transitions.release(case.track.pk, case.track.claim, case.world.now))
    with pytest.raises(publish.LeaseLost):
        case.publish()
    assert (case.row.status, case.row.local_path) == ("downloaded", case.wished)
    assert os.path.exists(case.wished)


def test_a_late_file_goes_where_another_worker_is_getting_one(case, at):
    at("linked", case.lose)
    with pytest.raises(publish.LeaseLost):
        case.publish()
    assert not os.path.exists(case.wished)
    assert (case.row.status, case.row.claim) == ("downloading", OTHER)


def test_a_late_file_stays_if_a_row_names_it_by_now(case, at):
    at("linked", lambda: transitions.finish(case.track.pk, case.track.claim, case.world.now))
    with pytest.raises(publish.LeaseLost):
        case.publish()
    assert os.path.exists(case.wished)
    assert case.row.status == "downloaded"


def test_what_somebody_put_in_the_place_of_a_late_file_stays(case, at):
    def replace_it() -> None:
        case.lose()
        Path(case.wished).unlink()
        Path(case.wished).write_bytes(b"theirs")

    at("linked", replace_it)
    with pytest.raises(publish.LeaseLost):
        case.publish()
    assert Path(case.wished).read_bytes() == b"theirs"


def test_a_worker_whose_stage_recovery_took_away_is_late_and_not_out_of_order(case, at):
    at("reserved", lambda: case.recover())
    with pytest.raises(publish.LeaseLost):
        case.publish()
    assert (case.row.status, case.row.local_path) == ("missing", "")
    assert not os.path.exists(case.wished)


def test_a_database_that_fails_after_the_link_leaves_the_file_to_recovery(case, monkeypatch):
    def refuse(*args: object) -> bool:
        raise DatabaseError("the connection is gone")

    monkeypatch.setattr(transitions, "finish", refuse)
    with pytest.raises(publish.LeaseLost):
        case.publish()
    monkeypatch.undo()
    assert case.row.reserved
    assert case.recover()
    assert (case.row.status, case.row.local_path) == ("downloaded", case.wished)


def test_whoever_lost_the_track_while_looking_for_a_file_does_not_fetch(case, at, monkeypatch):
    fetched = []
    monkeypatch.setattr(process, "fetch", lambda *args, **options: fetched.append(args))
    staging.clear_stage(case.track)
    attempt = worker_attempt.Attempt(case.track, lambda: case.world.now, lambda: False)
    case.lose()
    with pytest.raises(publish.LeaseLost):
        attempt._fetch(Candidate())
    assert fetched == []


def test_nothing_is_published_into_a_folder_that_is_not_the_library_any_more(world, recordings, at, monkeypatch):
    case = make_case(world, recordings, duration_ms=1000)
    candidate = Candidate.objects.create(
        track=case.track, source="archive", source_id="1", url="http://127.0.0.1:9/1.mp3", found_at=world.now
    )
    staged = process.Fetched(case.staged.path, case.staged.size, "mp3", "mp3")
    monkeypatch.setattr(worker_attempt.Attempt, "_fetch", lambda self, candidate: staged)
    at("tagged", (world.root / ".tonekeep").unlink)
    with pytest.raises(DownloadError, match="probably not mounted"):
        worker_attempt.Attempt(case.track, lambda: world.now, lambda: False)._take(candidate)
    assert not os.path.exists(case.wished)
    assert not case.row.reserved


def test_a_lease_is_renewed_again_after_the_database_was_away(case, monkeypatch):
    attempt = worker_attempt.Attempt(case.track, lambda: case.world.now + MINUTE, lambda: False)

    def refuse(*args: object) -> bool:
        raise DatabaseError("it restarts")

    with monkeypatch.context() as patched:
        patched.setattr(transitions, "renew", refuse)
        patched.setattr("downloads.worker.attempt.connection.close", lambda: None)  # the test's transaction lives on it
        assert attempt._renew()
    assert attempt._renew()
    assert case.row.claim_until == case.world.now + MINUTE + transitions.LEASE
