"""What is done around a pass: broken-off moves are finished before, the rest follows, and no fault costs more."""

from __future__ import annotations

import shutil
from array import array
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from catalog.models import BinnedFile, Collection, Library, Track
from catalog.system import failpoints
from catalog.tags import audio_tags
from catalog.tracks import wanted
from downloads.audio import fingerprint
from downloads.file_moves import trash
from downloads.jobs import backlog, cluster_state, reconcile_hooks, tasks
from downloads.models import AudioFile
from tests.audio import make_audio
from tests.downloads.archive_world import missing_track, serve
from tests.world import World, publish_by

pytestmark = pytest.mark.django_db


class Died(BaseException):
    """A process that ends at once."""


def playlist(world: World) -> str:
    return (world.root / "Playlists/Sample.m3u8").read_text()


def renamed(world: World) -> Track:
    """A song of real audio with its id in it, under another name than its row says."""
    track = world.make_track("Nocturne", duration_ms=1000)
    path = make_audio(world.root.parent / "nocturne.mp3", 1)
    audio_tags.write_tags(
        path, audio_tags.TrackTags("Nocturne", ("Maria Ruiz",), spotify_id=track.spotify_id or ""), None
    )
    world.put_file(track, Path(path).read_bytes())
    shutil.move(track.local_path, world.root / "renamed.mp3")
    return track


def nobody_wants(track: Track) -> None:
    Collection.objects.update(removal="bin")
    track.entries.all().delete()
    wanted.set_wanted([track.pk])
    BinnedFile.objects.create(track=track)


@pytest.mark.parametrize("find_moved", [True, False])
def test_renamed_files_are_found_in_each_pass_unless_a_person_switched_that_off(world: World, find_moved: bool) -> None:
    Library.objects.update(find_moved=find_moved)
    track = renamed(world)
    backlog.reconcile_and_wake(world.now)
    assert world.status_of(track) == ("downloaded" if find_moved else "missing")


def test_after_a_pass_what_nobody_wants_is_in_the_bin_and_off_the_playlist(world: World) -> None:
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    backlog.reconcile_and_wake(world.now)
    assert "First Light/01 Morning.mp3" in playlist(world)
    nobody_wants(track)
    backlog.reconcile_and_wake(world.now)
    track.refresh_from_db()
    assert track.folder is not None
    assert track.folder.path.startswith(".bin/")
    assert "First Light/01 Morning.mp3" not in playlist(world)


def test_a_move_that_was_broken_off_is_finished_before_the_pass_looks(world: World) -> None:
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    publish_by("rename")
    nobody_wants(track)

    def die(point: str) -> None:
        if point == "bin_moved":
            raise Died

    failpoints.on_failpoint = die
    try:
        with pytest.raises(Died):
            trash.process_trash_requests(world.now)
    finally:
        failpoints.on_failpoint = None
    assert backlog.reconcile_and_wake(world.now).vanished == 0
    assert BinnedFile.objects.get().state == "binned"


def test_a_fault_in_it_costs_the_pass_nothing(world: World, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    def broken(now: object) -> None:
        raise ValueError("an error of ours")

    monkeypatch.setattr(reconcile_hooks, "write_playlists", broken)
    monkeypatch.setattr(trash, "process_trash_requests", broken)
    assert backlog.reconcile_and_wake(world.now).complete
    assert caplog.text.count("ended in an error") == 2


def test_songs_that_were_fetched_stand_in_their_playlists_when_the_shift_ends(world: World, archive) -> None:
    track = missing_track(world, retry_after=timezone.now())
    serve(archive, track)
    cluster_state.register("downloads", timezone.now())
    cluster_state.mark_reconciled(cluster_state.running_clusters(), timezone.now())
    assert tasks.download() == "1 tracks"
    assert "Nocturne.mp3" in playlist(world)


@pytest.mark.django_db(transaction=True)  # workers are threads with connections of their own
def test_the_commands_care_too(world: World, archive) -> None:
    track = missing_track(world, retry_after=timezone.now())
    call_command("reconcile")
    assert "Nocturne.mp3" not in playlist(world)
    serve(archive, track)
    call_command("work", "--until-empty")
    assert "Nocturne.mp3" in playlist(world)


def test_a_file_that_has_lost_its_tags_and_its_name_is_known_by_its_sound(world: World, monkeypatch) -> None:
    track = renamed(world)
    (world.root / "renamed.mp3").unlink()
    path = make_audio(world.root / "stranger.mp3", 1)
    numbers = array("I", range(1, 200))
    row = AudioFile.objects.create(track=track, duration_ms=1000, proved_at=world.now)
    fingerprint.remember(row, numbers, None, world.now)
    monkeypatch.setattr(fingerprint, "fingerprint", lambda file: numbers if file == path else array("I"))
    backlog.reconcile_and_wake(world.now)
    track.refresh_from_db()
    assert (track.status, track.local_path) == ("downloaded", path)
    assert track.events.get(kind="adopt").reason == "its sound"
