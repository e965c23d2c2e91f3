"""Every hole that a folder's stamp has, and how it is closed."""

import os
from pathlib import Path
from typing import Any

import pytest

from catalog.library.reconcile import reconcile
from catalog.models import Folder, Track
from catalog.scanning.folder_stamp import FilesystemTrust, is_young, stamp_of
from catalog.scanning.scan import FolderScanner
from catalog.tracks.place import Place
from tests.conftest import mount_line
from tests.world import World

pytestmark = pytest.mark.usefixtures("trusted_filesystem")

MORNING = "Maria Ruiz/First Light/Morning"
NOON = "Maria Ruiz/First Light/Noon"
FOLDER = "Maria Ruiz/First Light"


def settled(world: World) -> None:
    """Every folder stamped, as after a first pass."""
    assert reconcile(world.now).complete
    assert not Folder.objects.filter(mtime_ns=None).exists()
    world.later(hours=1)


def file_of(world: World, name: str) -> Path:
    return Path(Track.objects.get(pk=world.tracks[name].pk).local_path)


def stamped(path: str = FOLDER) -> bool:
    return Folder.objects.get(path=path).mtime_ns is not None


# --- What a stamp does not see ----------------------------------------------------------------------------


def test_a_file_truncated_in_place_is_found_by_sizes(world: World) -> None:
    settled(world)
    path = file_of(world, MORNING)
    os.truncate(path, 3)

    assert reconcile(world.now).listed == 0, "its folder has not changed"
    report = reconcile(world.now, sizes=True)
    assert (report.other_size, report.vanished, report.full) == (0, 1, True)
    assert report.vanished_examples == [f"{FOLDER}/01 Morning.mp3"]
    assert world.status_of(world.tracks[MORNING]) == "missing", "three bytes are no song"


def test_sizes_that_agree_are_not_listed(world: World) -> None:
    settled(world)
    assert reconcile(world.now, sizes=True).other_size == 0


def test_a_restored_mtime_deceives_nobody(world: World) -> None:
    settled(world)
    folder = world.root / FOLDER
    before = folder.stat()
    file_of(world, MORNING).unlink()
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert folder.stat().st_mtime_ns == before.st_mtime_ns

    assert reconcile(world.now).vanished == 1


def test_a_folder_replaced_by_another_with_the_same_times_is_listed(world: World) -> None:
    settled(world)
    row = Folder.objects.get(path=FOLDER)
    Folder.objects.filter(pk=row.pk).update(inode=(row.inode or 0) + 1)

    assert reconcile(world.now).listed == 1


def test_the_same_folder_on_another_device_is_listed(world: World) -> None:
    settled(world)
    row = Folder.objects.get(path=FOLDER)
    Folder.objects.filter(pk=row.pk).update(device=(row.device or 0) + 1)

    assert reconcile(world.now).listed == 1


def test_a_file_replaced_by_another_of_its_name_is_still_there(world: World) -> None:
    settled(world)
    path = file_of(world, MORNING)
    other = path.with_name("draft")
    other.write_bytes(b"x" * path.stat().st_size)
    other.replace(path)

    report = reconcile(world.now)

    assert (report.listed, report.vanished) == (1, 0)


def test_a_link_whose_target_goes_is_gone(world: World) -> None:
    path = file_of(world, MORNING)
    target = world.root.parent / "elsewhere.mp3"
    path.rename(target)
    path.symlink_to(target)
    assert reconcile(world.now).vanished == 0
    assert not stamped(), "the target can go without a trace in this folder"
    target.unlink()

    assert reconcile(world.later(hours=1)).vanished == 1


def test_a_link_that_comes_back_gets_no_stamp_either(world: World) -> None:
    settled(world)
    path = file_of(world, MORNING)
    target = world.root.parent / "elsewhere.mp3"
    path.rename(target)
    assert reconcile(world.now).vanished == 1
    path.symlink_to(target)

    assert reconcile(world.later(hours=1)).restored == 1
    assert not stamped()


def test_a_linked_folder_that_is_pointed_elsewhere_is_listed(world: World) -> None:
    folder = world.root / FOLDER
    real, empty = world.root.parent / "real", world.root.parent / "empty"
    folder.rename(real)
    empty.mkdir()
    folder.symlink_to(real)
    settled(world)
    folder.unlink()
    folder.symlink_to(empty)

    assert reconcile(world.now).vanished == 2


def test_a_row_gained_by_an_unchanged_folder_makes_it_be_listed(world: World) -> None:
    settled(world)
    track = world.make_track("Claimed to be here", number=7)
    Track.objects.filter(pk=track.pk).update(
        status="downloaded",
        local_path=f"{world.root}/{FOLDER}/07.mp3",
        folder=Folder.objects.get(path=FOLDER),
        file_name="07.mp3",
        name_key="07.mp3",
        size=1,
    )

    assert reconcile(world.now).vanished == 1


def test_a_row_lost_by_an_unchanged_folder_makes_it_be_listed(world: World) -> None:
    settled(world)
    world.tracks[MORNING].delete()

    assert reconcile(world.now).listed == 1
    assert reconcile(world.later(hours=1)).listed == 0


def test_a_row_renamed_in_an_unchanged_folder_is_found_by_a_full_pass(world: World) -> None:
    settled(world)
    Track.objects.filter(pk=world.tracks[MORNING].pk).update(file_name="not here.mp3", name_key="not here.mp3")

    assert reconcile(world.now, full=True).vanished == 1


# --- When a stamp is not given ----------------------------------------------------------------------------


def test_a_young_folder_is_listed_again(world: World) -> None:
    changed = (world.root / FOLDER).stat().st_ctime
    at_once = world.now.fromtimestamp(changed + 1.9, world.now.tzinfo)

    reconcile(at_once)
    assert not stamped()
    assert reconcile(at_once).listed >= 1
    reconcile(world.now)
    assert stamped()


def test_a_folder_changed_during_the_pass_is_listed_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def changing(folder: Any) -> Any:
        """The file goes after its name was read."""
        names = list(scandir(folder))
        file_of(world, MORNING).unlink(missing_ok=True)
        return _Closed(names)

    class _Closed(list):  # type: ignore[type-arg]
        def __enter__(self) -> "_Closed":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", changing)
        report = reconcile(world.now, full=True)
    assert report.vanished <= 1
    assert reconcile(world.now).vanished + report.vanished == 1


def test_a_name_missed_while_names_are_read_is_no_absence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(world)
    (world.root / FOLDER / "touch").write_text("")

    class Empty:
        """A listing that misses what is being replaced, as POSIX allows."""

        def __init__(self, *_: object) -> None:
            pass

        def __enter__(self) -> list[Any]:
            return []

        def __exit__(self, *_: object) -> None:
            pass

    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", Empty)
        assert reconcile(world.now, full=True).vanished == 0
    assert not stamped()


def test_a_file_that_goes_once_a_full_pass_has_read_its_name_is_found_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(world)
    listdir = os.listdir

    def changing(folder: Any) -> list[str]:
        names = listdir(folder)
        file_of(world, MORNING).unlink(missing_ok=True)
        return names

    with monkeypatch.context() as patch:
        patch.setattr("os.listdir", changing)
        assert reconcile(world.now, full=True).vanished == 0
    assert not file_of(world, MORNING).exists()
    assert reconcile(world.later(hours=1)).vanished == 1, "the stamp is older than the change"


def test_a_full_pass_looks_closely_where_a_name_seems_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(world)
    listdir, listed = os.listdir, []

    def empty(folder: Any) -> list[str]:
        """A listing that misses names, as POSIX allows while files are replaced."""
        listed.append(listdir(folder))
        return []

    with monkeypatch.context() as patch:
        patch.setattr("os.listdir", empty)
        report = reconcile(world.now, full=True)
    assert any(listed)
    assert (report.vanished, report.rows_changed) == (0, 0)


def test_a_name_that_became_a_folder_under_a_restored_mtime_is_seen_by_a_full_pass(world: World) -> None:
    settled(world)
    folder = world.root / FOLDER
    before = folder.stat()
    file_of(world, MORNING).unlink()
    file_of(world, MORNING).mkdir()
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert reconcile(world.now, full=True).vanished == 1


def test_a_stamp_is_zeroed_by_a_write_outside_reconcile(world: World) -> None:
    from catalog.tracks import transitions

    settled(world)
    path = file_of(world, MORNING)
    path.unlink()
    reconcile(world.now)
    reconcile(world.later(hours=1))
    assert stamped()

    path.write_bytes(b"adopted")
    place = Place.of(str(world.root), f"{FOLDER}/{path.name}")
    assert transitions.adopt(world.tracks[MORNING].pk, place, 7, world.now)
    assert not stamped()


@pytest.mark.parametrize("filesystem", ["nfs4", "cifs", "fuse.sshfs", "fuseblk", "overlay", "vfat", "exfat", "9p", "?"])
def test_filesystems_without_honest_folder_times_get_no_stamps(
    world: World, filesystem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [mount_line(os.stat(world.root).st_dev, "/", filesystem)]
    monkeypatch.setattr("catalog.system.mount_table.read_lines", lambda: lines)

    reconcile(world.now)
    assert not stamped()
    report = reconcile(world.later(hours=1))
    assert (report.listed, report.rows_changed) == (4, 0), "listed each time, written never"


# --- Which filesystem -------------------------------------------------------------------------------------


def test_a_device_is_believed_for_its_filesystem() -> None:
    ext4, nfs = os.makedev(8, 1), os.makedev(0, 50)
    trust = FilesystemTrust("/music", [mount_line(ext4, "/", "ext4"), mount_line(nfs, "/music/share", "nfs4")])

    assert [trust(ext4), trust(nfs), trust(os.makedev(9, 9))] == [True, False, False]


def test_a_subvolume_of_btrfs_has_a_device_that_no_table_names() -> None:
    subvolume = os.makedev(0, 77)
    mounts = [mount_line(os.makedev(8, 1), "/", "ext4"), mount_line(os.makedev(0, 40), "/my\\040music", "btrfs")]

    assert FilesystemTrust("/my music/library", mounts)(subvolume)
    assert not FilesystemTrust("/my", mounts)(subvolume)


def test_without_a_mount_table_nothing_is_believed() -> None:
    assert not FilesystemTrust("/music", [])(os.makedev(8, 1))


def test_huge_inodes_fit_their_column(world: World) -> None:
    settled(world)
    huge = (1 << 64) - 5
    found = os.stat_result((0o40755, huge, 1 << 63, 2, 0, 0, 0, 0, 1, 1))
    stamp = stamp_of(found)
    assert stamp[2:] == (-5, -(1 << 63))
    Folder.objects.filter(path=FOLDER).update(inode=stamp[2], device=stamp[3])
    assert Folder.objects.get(path=FOLDER).inode == -5


def test_a_huge_inode_that_stands_needs_no_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.scanning.scan import FolderRow

    found = os.stat_result((0o40755, (1 << 64) - 5, 3, 2, 0, 0, 0, 1, 1, 1))
    monkeypatch.setattr("os.stat", lambda *_, **__: found)
    known = FolderRow(1, "a", *stamp_of(found), 0)
    scanner = FolderScanner(-1, lambda _: True, 0)

    assert scanner.changed([known], {}) == []
    assert scanner.changed([known._replace(inode=-6)], {}) != []


@pytest.mark.parametrize(("age_ns", "young"), [(1_999_999_999, True), (2_000_000_000, False), (-5, True)])
def test_two_seconds_make_a_folder_old(age_ns: int, young: bool) -> None:
    now_ns = 10**18
    assert is_young((0, now_ns - age_ns, 1, 1), now_ns) is young
