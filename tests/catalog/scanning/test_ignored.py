"""Bins, snapshots and what other programs leave are nobody's music: in every look at the music folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from catalog.library import better_files
from catalog.library.adopt import adopt
from catalog.library.audit import check_library
from catalog.library.reconcile import reconcile
from catalog.library.relink import relink
from catalog.models import Track
from catalog.models.settings import save_settings
from catalog.scanning import ignored, untracked
from catalog.scanning.scan import FolderScanner
from catalog.scanning.scan_worker import ScanWorker
from catalog.scanning.watcher import SETTLED_AFTER, EventDebouncer
from catalog.tags import audio_tags
from downloads.publishing import existing_file
from downloads.publishing.target_path import target_place
from tests.audio import make_audio
from tests.world import World

BINS = ["#recycle", "@Recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found", "@eaDir", "#snapshot/GMT-1"]
BINS += ["trashbox", "RECYCLER", "__MACOSX", "Temporary Items"]
LITTER = ["._Morning.mp3", "Morning.sync-conflict-20261128-204100-ABCDEFG.mp3", "Morning (Anna's conflicted copy).mp3"]
MUSIC = [
    "Alice Cooper/Trash/Poison.mp3",
    "Band/lost+found/One.mp3",
    "Band/Trashbox/Five.mp3",
    "#1s/Two.mp3",
    "@/Three.mp3",
    "~/Four.mp3",
]


@pytest.mark.parametrize("folder", BINS)
def test_a_bin_or_a_snapshot_is_ignored_with_a_reason(folder: str) -> None:
    assert ignored.is_ignored_folder(folder) and ignored.is_ignored_folder(f"{folder.lower()}/Artist/Album")
    assert ignored.reason(f"{folder}/Artist/Song.mp3")


@pytest.mark.parametrize("name", LITTER)
def test_what_another_program_left_is_ignored_with_a_reason(name: str) -> None:
    assert not untracked.is_audio(name)
    assert ignored.reason(f"Artist/{name}")


@pytest.mark.parametrize("path", MUSIC)
def test_music_that_is_called_like_a_bin_is_music(path: str) -> None:
    assert not ignored.is_ignored_folder(path.rpartition("/")[0])
    assert ignored.reason(path) == ""


@pytest.fixture
def recycled(world: World, tmp_path: Path) -> tuple[int, Path]:
    """A downloaded song whose file a NAS has moved into its bin: the track's id, and where the file is."""
    track = world.make_track("Nocturne", duration_ms=4000)
    path = world.put_file(track)
    make_audio(path, 4)
    audio_tags.write_tags(
        str(path), audio_tags.TrackTags("Nocturne", ("Maria Ruiz",), spotify_id=track.spotify_id), None
    )
    target = world.root / "#recycle" / path.relative_to(world.root)
    target.parent.mkdir(parents=True)
    shutil.move(path, target)
    return track.pk, target


@pytest.mark.django_db
def test_a_file_in_a_bin_is_not_found_again(world: World, recycled: tuple[int, Path]) -> None:
    pk, _ = recycled
    assert reconcile(world.now).vanished == 1
    assert (relink(world.now).relinked, adopt(None, world.now).adopted) == (0, 0)
    assert world.tracks["Maria Ruiz/First Light/Morning"].pk != pk
    assert reconcile(world.now, full=True).vanished == 0


@pytest.mark.django_db
def test_a_row_that_an_earlier_version_led_into_a_bin_misses_its_file(world: World) -> None:
    track = world.make_track("Nocturne")
    world.put_file(track, relative="@Recycle/Maria Ruiz/Nocturne.mp3")
    reconcile(world.now)
    assert world.status_of(track) == "missing"


@pytest.mark.django_db
def test_the_audit_names_what_lies_there(world: World, recycled: tuple[int, Path]) -> None:
    (world.root / "Maria Ruiz" / "._Noon.mp3").write_bytes(b"companion")
    listed = check_library(world.now).listed
    why = "the recycle bin of a Synology share"
    assert listed["ignored"] == [{"file": str(recycled[1].relative_to(world.root)), "why": why}]
    assert listed["files_without_rows"] == []


@pytest.fixture
def left_alone(world: World) -> Path:
    """A downloaded song with our id in it, below a folder that a person has then named on the page."""
    track = world.make_track("Nocturne", duration_ms=4000)
    path = world.put_file(track, relative="Hörbücher/Maria Ruiz/Nocturne.mp3")
    make_audio(path, 4)
    tags = audio_tags.TrackTags("Nocturne", ("Maria Ruiz",), spotify_id=track.spotify_id)
    audio_tags.write_tags(str(path), tags, None)
    reconcile(world.now, full=True)
    assert world.status_of(track) == "downloaded"
    save_settings({"IGNORED_FOLDERS": "Samples\nho\u0308rbu\u0308cher"})  # decomposed, in other letters
    return path


@pytest.mark.django_db
@pytest.mark.parametrize("full", [False, True])
def test_nothing_below_a_folder_that_a_person_named_is_a_songs_file(world: World, left_alone: Path, full: bool) -> None:
    track = Track.objects.get(title="Nocturne")
    report = reconcile(world.now, full=full)
    assert (report.vanished, report.found, world.status_of(track)) == (1, 0, "missing")
    assert (relink(world.now).relinked, adopt(None, world.now).adopted) == (0, 0)
    assert existing_file.find_own_file(Track.objects.get(pk=track.pk)) is None
    assert better_files.offer(world.now, folders=["Hörbücher/Maria Ruiz"]) == 0
    why = ignored.OWN_REASON
    assert check_library(world.now).listed["ignored"] == [{"file": "Hörbücher/Maria Ruiz/Nocturne.mp3", "why": why}]
    assert reconcile(world.now, full=full).vanished == 0

    save_settings({"IGNORED_FOLDERS": ""})
    assert reconcile(world.now, full=full).restored == 1


@pytest.mark.django_db
def test_an_artist_who_is_called_like_such_a_folder_gets_another_one(world: World) -> None:
    save_settings({"IGNORED_FOLDERS": "samples"})
    track = world.make_track("Nocturne", artist="Samples", album="lost+found")
    assert target_place(track, "mp3").folder == "Samples_/lost+found"
    assert ignored.outside("lost+found/@eaDir/#1s/a.mp3") == "lost+found_/@eaDir_/#1s/a.mp3"


def test_the_names_of_such_folders_reach_the_process_beside_the_scan(tmp_path: Path) -> None:
    (tmp_path / "Podcasts").mkdir()
    (tmp_path / "Podcasts" / "1.mp3").write_bytes(b"1")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        scanner = FolderScanner(descriptor, lambda _: True, 0, own=frozenset({"podcasts"}))
        ask = (1, "Podcasts", None, None, None, None, 1, "1.mp3", None)
        with ScanWorker(scanner, str(tmp_path)) as worker:
            worker.send([ask] * 5)
            assert {result.gone for result in worker.receive()} == {("1.mp3",)}
    finally:
        os.close(descriptor)


def test_a_change_in_a_bin_calls_for_no_pass(tmp_path: Path) -> None:
    from watchdog.events import FileCreatedEvent  # here: only this test makes an event

    seconds = [0.0]
    debouncer = EventDebouncer(str(tmp_path), lambda: seconds[0])
    debouncer.on_any_event(FileCreatedEvent(f"{tmp_path}/@eaDir/Song.mp3@SynoEAStream"))
    debouncer.own = frozenset({"podcasts"})
    debouncer.on_any_event(FileCreatedEvent(f"{tmp_path}/Podcasts/1.mp3"))
    seconds[0] = SETTLED_AFTER + 1
    assert not debouncer.is_settled()
