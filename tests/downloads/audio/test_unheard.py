"""Files of before, and adopted ones, are measured some at a time, and the same sound is noticed among them."""

from __future__ import annotations

import os
from array import array
from pathlib import Path

import pytest

from catalog.models import Service, Track
from downloads import jobs
from downloads.audio import fingerprint, unheard, verify
from downloads.audio.verify import VerifiedAudio
from downloads.failures.kinds import DownloadError
from downloads.models import AudioFile
from tests.downloads.audio.test_fingerprint import music
from tests.world import World

pytestmark = pytest.mark.django_db
NUMBERS = array("I", range(1000, 1300))


@pytest.fixture(autouse=True)
def online(world: World) -> None:
    Service.objects.filter(name="storage").update(state="online", checked_at=world.now)
    Track.objects.filter(status=Track.Status.DOWNLOADED).delete()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were measured, each found to be of one sound."""
    paths: list[str] = []

    def measure(path: str) -> VerifiedAudio:
        verify.require_file(path)
        paths.append(path)
        return VerifiedAudio(181_000, -1.0, 0, -9.5, NUMBERS)

    monkeypatch.setattr(verify, "measure", measure)
    return paths


def here(world: World, number: int) -> Track:
    track = world.make_track(f"Song {number}", number=number)
    world.put_file(track)
    return track


def listen(world: World, most: int = 10) -> unheard.HeardFiles:
    return unheard.listen(lambda: world.now, lambda: False, most)


def test_each_file_is_measured_once_some_at_a_time(world, measured):
    tracks = [here(world, number) for number in range(5)]
    first = listen(world, most=2)
    assert (first.heard, first.more) == (2, True)
    second = listen(world)
    assert (second.heard, second.more) == (3, False) and listen(world).heard == 0
    assert measured == [Track.objects.get(pk=track.pk).local_path for track in tracks]


def test_what_was_measured_is_kept_and_the_same_sound_is_listed_at_once(world, measured):
    one, other = here(world, 1), here(world, 2)
    listen(world)
    rows = {row.track_id: row for row in AudioFile.objects.all()}
    assert (rows[one.pk].loudness, rows[one.pk].duration_ms, rows[one.pk].heard_at) == (-9.5, 181_000, world.now)
    assert (rows[one.pk].same_as_id, rows[other.pk].same_as_id) == (None, one.pk)


def test_a_file_of_before_loudness_was_measured_keeps_what_was_proven_of_it(world, measured):
    track = here(world, 1)
    AudioFile.objects.create(track=track, duration_ms=179_000, codec="opus", proved_at=world.now)
    listen(world)
    row = AudioFile.objects.get()
    assert (row.duration_ms, row.codec, row.loudness) == (179_000, "opus", -9.5)


def test_a_file_that_cannot_be_decoded_is_not_tried_again(world):
    track = here(world, 1)  # of bytes that are no sound
    assert listen(world).unreadable == 1 and listen(world) == unheard.HeardFiles()
    assert AudioFile.objects.get(track=track).duration_ms == track.duration_ms


def test_a_file_that_is_not_there_or_a_machine_without_ffmpeg_waits_for_another_time(world, monkeypatch):
    track = here(world, 1)
    Path(Track.objects.get(pk=track.pk).local_path).unlink()
    assert listen(world) == unheard.HeardFiles()

    def absent(path: str) -> VerifiedAudio:
        raise DownloadError("no_ffmpeg", "It is not there.")

    here(world, 2)
    monkeypatch.setattr(verify, "measure", absent)
    assert listen(world) == unheard.HeardFiles() and not AudioFile.objects.exists()


def test_a_track_that_has_another_file_by_now_is_left_alone(world, monkeypatch):
    track = here(world, 1)

    def replaced_meanwhile(path: str) -> VerifiedAudio:
        Track.objects.filter(pk=track.pk).update(size=1)
        return VerifiedAudio(1000, -1.0)

    monkeypatch.setattr(verify, "measure", replaced_meanwhile)
    unheard.listen(lambda: world.now, lambda: False, most=1)
    assert not AudioFile.objects.exists()


def test_nothing_is_read_while_the_folder_is_away_or_a_stop_is_requested(world, measured):
    here(world, 1)
    assert unheard.listen(lambda: world.now, lambda: True).heard == 0
    Service.objects.filter(name="storage").update(state="offline")
    assert listen(world).heard == 0 and measured == []


def test_a_pass_over_the_folder_has_new_files_listened_to_by_a_job(world, tmp_path):
    track = here(world, 1)
    path = Track.objects.get(pk=track.pk).local_path
    os.replace(music(tmp_path / "a.mp3", 1), path)
    Track.objects.filter(pk=track.pk).update(size=os.stat(path).st_size)
    assert jobs.listen_to_files() == "1 heard, 0 unreadable"
    row = AudioFile.objects.get(track=track)
    assert bytes(row.fingerprint) == fingerprint.fingerprint(path).tobytes() and row.loudness is not None
