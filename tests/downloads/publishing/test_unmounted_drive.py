"""A song whose folder is on a drive that is not mounted is not put under the mount point."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.library.reconcile import reconcile
from catalog.models import Host, Library, Track
from catalog.scanning.scan import FolderScanner
from downloads.jobs import backlog
from downloads.publishing import link_method
from downloads.publishing.link_method import LINK
from downloads.worker import loop, rescue
from tests.catalog.storage.test_mounts import Drive
from tests.downloads.archive_world import missing_track, serve
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_song_that_belongs_there_is_not_fetched_onto_the_other_drive(
    world: World, archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = Drive(world, "山田", monkeypatch)
    reconcile(world.now, full=True)
    track = missing_track(world, artist="山田", retry_after=world.now)
    serve(archive, track)
    drive.unmount()
    assert loop.work_one(now=lambda: world.now).result == "failed"
    track.refresh_from_db()
    assert "the drive at" in track.last_error and "is not mounted" in track.last_error
    assert list(drive.point.iterdir()) == []


def test_a_song_of_a_folder_that_is_a_drive_of_its_own_is_copied_there(
    world: World, archive, memory_drive: MemoryDrive
) -> None:
    """No link and no rename leads into it from the staging folder."""
    track = missing_track(world, artist="Drive", retry_after=world.now)
    serve(archive, track)
    assert loop.work_one(now=lambda: world.now).result == "downloaded"
    track.refresh_from_db()
    assert Path(track.local_path).is_relative_to(memory_drive.point) and Path(track.local_path).stat().st_nlink == 1
    assert Path(track.local_path).stat().st_size == track.size
    assert Host.own().publish_method == LINK, "the others are linked as ever"


def test_a_late_copy_onto_another_drive_is_taken_back(
    world: World, archive, memory_drive: MemoryDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    track = missing_track(world, artist="Drive", retry_after=world.now)
    serve(archive, track)

    def recovered(name: str) -> None:
        if name == "copied":
            assert rescue.recover(world.later(hours=2)) == 1

    monkeypatch.setattr(link_method, "failpoint", recovered)
    loop.work_one(now=lambda: world.now)
    assert world.status_of(track) == "missing"
    assert list(memory_drive.point.rglob("*.mp3")) == []


class MemoryDrive:
    """A real tmpfs below the root. Its content outlives an unmount: it is mounted at a second place."""

    def __init__(self, point: Path, content: Path) -> None:
        self.point, self.content = point, content
        for path in (point, content):
            path.mkdir()
        _run("mount", "-t", "tmpfs", "tonekeep-test", str(content))
        self.mount()

    def mount(self) -> None:
        _run("mount", "--bind", str(self.content), str(self.point))

    def pull(self) -> None:
        """As a plug is pulled: at once, whoever has a folder open."""
        _run("umount", "--lazy", str(self.point))

    def end(self) -> None:
        while os.path.ismount(self.point):
            self.pull()
        _run("umount", "--lazy", str(self.content))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.fixture
def memory_drive(world: World) -> Iterator[MemoryDrive]:
    if os.geteuid():
        pytest.skip("needs root, to mount")
    try:
        drive = MemoryDrive(world.root / "Drive", world.root.parent / "content")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a tmpfs cannot be mounted here: {error.stderr.decode().strip()}")
    yield drive
    drive.end()


@pytest.mark.long
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("there", [1, 90])
def test_a_real_drive_pulled_in_mid_pass_changes_no_row_and_gets_no_byte(
    world: World, memory_drive: MemoryDrive, archive, monkeypatch: pytest.MonkeyPatch, there: int, full: bool
) -> None:
    """Of 100 songs 1 or 90 are on the drive."""
    for number in range(94):
        song = world.make_track(f"Song {number}", artist="Drive", album=f"Album {number // 3}", number=number)
        world.put_file(song, relative=f"{'Drive' if number < there else 'Here'}/Album {number // 3}/{number}.mp3")
    serve(archive, missing_track(world, artist="Drive", album="Album 0", number=99))
    reconcile(world.now, full=True)
    assert Library.load().mounts == ["Drive"]
    before = rows()
    with monkeypatch.context() as patch:
        pull_at_its_middle_folder(memory_drive, "look" if full else "changed", patch)
        report = reconcile(world.later(hours=1), full=full)
    assert not os.path.ismount(memory_drive.point), "it was pulled"
    assert (report.vanished, rows()) == (0, before)
    for whole in (True, False):
        report = backlog.reconcile_and_wake(world.later(hours=1), full=whole)
        assert (report.vanished, report.held, rows()) == (0, False, before)
    assert loop.work_one(now=lambda: world.now).result == "failed"
    assert "the drive at Drive is not mounted" in Track.objects.get(title="Nocturne").last_error
    assert rows() == before
    assert list(memory_drive.point.iterdir()) == []
    memory_drive.mount()
    report = reconcile(world.later(hours=1), full=True)
    assert (report.vanished, report.unknown, report.files) == (0, 0, 100)


def pull_at_its_middle_folder(drive: MemoryDrive, step: str, patch: pytest.MonkeyPatch) -> None:
    """The pass comes to one half of the drive's folders while it is there, and to the other when it is gone."""
    original = getattr(FolderScanner, step)

    def go_through(scanner: FolderScanner, folders, *args, **options):
        folders = list(folders)
        its_own = [folder for folder in folders if folder[1].startswith("Drive/")]

        def one_by_one():
            for folder in folders:
                if its_own and folder is its_own[len(its_own) // 2]:
                    drive.pull()
                yield folder

        return original(scanner, one_by_one(), *args, **options)

    patch.setattr(FolderScanner, step, go_through)


def rows() -> list[tuple]:
    downloaded = Track.objects.filter(status=Track.Status.DOWNLOADED).order_by("pk")
    return list(downloaded.values_list("pk", "local_path", "size", "retry_after"))
