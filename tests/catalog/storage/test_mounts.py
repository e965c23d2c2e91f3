"""A drive below the root that is not mounted is unknown, not absent: no row changes, and nothing is written there."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.library.audit import check_library
from catalog.library.reconcile import reconcile
from catalog.models import Library, Track
from catalog.scanning.scan import FolderScanner
from catalog.storage import mounts
from downloads.file_moves import journaled_move
from tests.conftest import mount_line
from tests.world import World

pytestmark = pytest.mark.django_db


class Drive:
    """A folder of the library that the mount table names as a mount of its own, until it is taken away."""

    def __init__(self, world: World, path: str, patch: pytest.MonkeyPatch) -> None:
        self.point, self.away = world.root / path, world.root.parent / "away"
        self.mounted, self.number = True, 36
        patch.setattr("catalog.system.mount_table.read_lines", self.lines)

    def lines(self) -> list[str]:
        root = mount_line(self.point.parent.stat().st_dev, "/", "ext4")
        if not self.mounted:
            return [root]
        return [root, mount_line(99, str(self.point), "ext4").replace("36 ", f"{self.number} ", 1)]

    def unmount(self) -> None:
        self.point.rename(self.away)
        self.point.mkdir()
        self.mounted = False

    def mount(self) -> None:
        self.point.rmdir()
        self.away.rename(self.point)
        self.mounted, self.number = True, self.number + 1


@pytest.fixture(params=["山田", "Ólöf"])
def drive(request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch) -> Drive:
    """Holds one of six songs, or two; a pass has seen it."""
    made = Drive(world, request.param, monkeypatch)
    assert reconcile(world.now, full=True).complete
    assert Library.load().mounts == [request.param]
    return made


def rows() -> list[tuple]:
    return list(Track.objects.order_by("pk").values_list("pk", "status", "local_path", "size", "retry_after"))


@pytest.mark.parametrize("full", [True, False])
def test_its_songs_stay_as_they_are_and_the_report_says_why(world: World, drive: Drive, full: bool) -> None:
    before = rows()
    drive.unmount()
    report = reconcile(world.now, full=full)
    assert (report.vanished, rows()) == (0, before)
    assert report.unknown > 0
    assert f"{drive.point.name}: the drive is not mounted" in report.unknown_examples


def test_it_heals_by_itself(world: World, drive: Drive) -> None:
    drive.unmount()
    reconcile(world.now)
    drive.mount()
    report = reconcile(world.now, full=True)
    assert (report.vanished, report.unknown, report.files) == (0, 0, 6)


def test_a_file_that_is_gone_from_a_drive_that_is_there_is_missing(world: World, drive: Drive) -> None:
    next(path for path in drive.point.rglob("*.mp3")).unlink()
    assert reconcile(world.now).vanished == 1


def test_files_elsewhere_are_missed_as_ever(world: World, drive: Drive) -> None:
    drive.unmount()
    (world.root / "Maria Ruiz/First Light/01 Morning.mp3").unlink()
    assert reconcile(world.now).vanished == 1


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_drive_that_goes_in_mid_pass_changes_no_row(
    world: World, drive: Drive, monkeypatch: pytest.MonkeyPatch, comes_back: bool
) -> None:
    before, look = rows(), FolderScanner.look

    def go_before(scanner: FolderScanner, *args, **options):
        drive.unmount()
        results = look(scanner, *args, **options)
        if comes_back:
            drive.mount()
        return results

    monkeypatch.setattr(FolderScanner, "look", go_before)
    assert reconcile(world.now, full=True).vanished == 0
    assert rows() == before


def test_a_person_can_say_that_it_is_gone_for_good(world: World, drive: Drive) -> None:
    drive.unmount()
    assert reconcile(world.now, accept_missing=True).vanished > 0
    assert Library.load().mounts == []


def test_a_mount_point_that_holds_the_music_by_now_is_a_folder(world: World, drive: Drive) -> None:
    drive.mounted = False
    report = reconcile(world.now, full=True)
    assert (report.vanished, report.unknown) == (0, 0)
    assert Library.load().mounts == []


def test_nothing_is_written_under_its_mount_point(world: World, drive: Drive) -> None:
    drive.unmount()
    with pytest.raises(OSError, match="is not mounted") as refusal:
        journaled_move.make_parents(f"{drive.point.name}/New Album/01 Song.mp3")
    assert refusal.value.errno == errno.EBUSY
    assert list(drive.point.iterdir()) == []


def test_the_audit_says_that_nothing_is_known_of_it(world: World, drive: Drive) -> None:
    drive.unmount()
    check = check_library(world.now)
    assert check.counts["rows_without_files"] == 0
    assert check.listed["unknown"] == [f"{drive.point.name}: the drive is not mounted"]


def test_a_line_of_the_mount_table_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: Callable[[], list[str]] = lambda: [mount_line(7, f"{tmp_path}/My\\040Disk/a", "exfat")]  # noqa: E731
    monkeypatch.setattr("catalog.system.mount_table.read_lines", lines)
    assert mounts.below(str(tmp_path)) == {"My Disk/a": 36}
    assert mounts.below("/elsewhere") == {}
