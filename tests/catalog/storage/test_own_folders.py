"""Only what proves to be ours is deleted or written to: strangers' folders, links, other disks, other names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from catalog.library.playlist_files import write_playlists
from catalog.storage import own_folders
from catalog.storage import state as storage
from catalog.storage.own_folders import IGNORE_FILES, MARK, STAGING, TRASH, ForeignFolder
from downloads.worker import loop, rescue
from tests.world import World

pytestmark = pytest.mark.django_db
DEAD = f"7-{'0' * 32}"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Somebody's folder elsewhere, with things in it that look like ours, too."""
    for name in ("photos", DEAD, "2026-01-01"):
        (tmp_path / "victim" / name).mkdir(parents=True)
        (tmp_path / "victim" / name / "mine.txt").write_text("mine")
    return tmp_path / "victim"


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def sweep(world: World) -> None:
    """What runs each minute, and before every work."""
    rescue.recover(world.now)
    loop.work_one(now=lambda: world.now)


@pytest.mark.parametrize("name", [".incoming", STAGING])
def test_a_linked_folder_is_never_swept(world: World, victim: Path, name: str) -> None:
    before = files_of(victim)
    (world.root / name).symlink_to(victim)
    sweep(world)
    assert files_of(victim) == before and (world.root / name).is_symlink()


@pytest.mark.parametrize("name", [".incoming", STAGING])
def test_a_strangers_folder_is_never_swept(world: World, name: str) -> None:
    (world.root / name / "My downloads").mkdir(parents=True)
    (world.root / name / "My downloads" / "half.iso").write_text("mine")
    sweep(world)
    assert (world.root / name / "My downloads" / "half.iso").read_text() == "mine"


def test_nothing_is_staged_where_the_name_is_a_strangers_and_storage_says_so(world: World, victim: Path) -> None:
    (world.root / STAGING).symlink_to(victim)
    state = storage.check(world.now)
    assert (state.state, state.may_write, state.may_read) == ("readonly", False, True)
    assert state.reason == (
        f"{world.root / STAGING} is a link or a file, not a folder. Tonekeep needs that name: rename what is there."
    )
    world.make_track("Due")
    assert loop.work_one(now=lambda: world.now) is None
    with pytest.raises(ForeignFolder, match="rename what is there"):
        own_folders.make_stage(DEAD)
    (world.root / STAGING).unlink()
    assert storage.check(world.now).state == "online"


def test_a_stage_of_nobody_goes_and_what_a_person_put_beside_it_stays(world: World) -> None:
    Path(own_folders.make_stage(DEAD), "audio.part").write_bytes(b"half")
    mine = world.root / STAGING / "keep"
    mine.mkdir()
    assert own_folders.stages() == [DEAD]
    rescue.recover(world.now)
    assert mine.exists() and not (world.root / STAGING / DEAD).exists()


def test_a_link_with_the_name_of_a_stage_is_not_followed(world: World, victim: Path) -> None:
    before = files_of(victim)
    own_folders.make_stage(f"8-{'1' * 32}")
    (world.root / STAGING / DEAD).symlink_to(victim)
    own_folders.remove_stage(DEAD)
    rescue.recover(world.now)
    assert files_of(victim) == before


def test_a_link_inside_a_stage_is_removed_and_not_what_it_leads_to(world: World, victim: Path) -> None:
    before = files_of(victim)
    Path(own_folders.make_stage(DEAD), "link").symlink_to(victim)
    rescue.recover(world.now)
    assert files_of(victim) == before and own_folders.stages() == []


def test_stages_that_an_older_version_left_are_cleared_and_the_folder_with_them(world: World) -> None:
    (world.root / ".incoming" / DEAD).mkdir(parents=True)
    (world.root / ".incoming" / f"{DEAD}.going").mkdir()
    rescue.recover(world.now)
    assert not (world.root / ".incoming").exists()


def test_only_our_stages_go_from_a_folder_that_we_shared_with_somebody(world: World) -> None:
    (world.root / ".incoming" / DEAD).mkdir(parents=True)
    (world.root / ".incoming" / "theirs").mkdir()
    rescue.recover(world.now)
    assert os.listdir(world.root / ".incoming") == ["theirs"]


def test_another_users_folder_is_not_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_folders.make_stage(DEAD)
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(world.root).st_uid + 1)
    assert own_folders.problem_of(STAGING) == ""  # a share that is mounted for one user shows all as that user's
    if os.getuid() == 0:
        os.chown(world.root / STAGING, 12345, -1)
        assert "belongs to another user" in own_folders.problem_of(STAGING)


def test_a_folder_on_another_disk_is_not_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_folders.make_stage(DEAD)
    real, staging = os.fstat, os.stat(world.root / STAGING).st_ino

    def elsewhere(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        fields = list(status)
        if status.st_ino == staging:
            fields[2] += 1
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", elsewhere)
    assert "on another disk" in own_folders.problem_of(STAGING)


@pytest.mark.parametrize("name", [STAGING, TRASH])
def test_our_folders_carry_a_mark_and_tell_players_to_leave_them_alone(world: World, name: str) -> None:
    with own_folders.own_folder(name):
        pass
    assert set(os.listdir(world.root / name)) == {MARK, *IGNORE_FILES}
    assert (world.root / name / ".mpdignore").read_text() == "*\n"
    (world.root / name / "something").mkdir()
    assert own_folders.problem_of(name) == ""


def test_a_trash_of_an_older_version_is_taken_over_and_a_strangers_is_not(world: World) -> None:
    (world.root / TRASH / "2026-01-01" / "Artist").mkdir(parents=True)
    own_folders.make_own_folders(f"{TRASH}/2026-02-02")
    assert (world.root / TRASH / MARK).is_file()
    shutil.rmtree(world.root / TRASH)
    (world.root / TRASH / "scripts").mkdir(parents=True)
    with pytest.raises(ForeignFolder, match="was not made by Tonekeep"):
        own_folders.make_own_folders(f"{TRASH}/2026-02-02")
    assert os.listdir(world.root / TRASH) == ["scripts"]


def test_folders_in_the_trash_have_the_mode_that_other_programs_need(world: World, settings) -> None:
    settings.MUSIC_UMASK = 0o002
    before = os.umask(0o022)
    try:
        own_folders.make_own_folders(f"{TRASH}/2026-02-02/Artist")
    finally:
        os.umask(before)
    for path in (TRASH, f"{TRASH}/2026-02-02", f"{TRASH}/2026-02-02/Artist"):
        assert (world.root / path).stat().st_mode & 0o777 == 0o775, path


def test_playlists_are_not_written_through_a_link(world: World, victim: Path) -> None:
    (victim / "Sample.m3u8").write_text("# Written by Tonekeep. Changes made here are lost; without this line")
    before = files_of(victim)
    (world.root / "Playlists").symlink_to(victim)
    assert write_playlists(world.now).problem.endswith("rename what is there.")
    assert files_of(victim) == before


def test_a_folder_whose_name_is_only_like_a_stages_is_never_removed(world: World) -> None:
    for name in ("7-abc", f"x7-{'0' * 32}", f"7-{'0' * 32}x", f"7-{'G' * 32}"):
        (world.root / ".incoming" / name).mkdir(parents=True)
        with own_folders.own_folder(STAGING):
            (world.root / STAGING / name).mkdir()
    sweep(world)
    assert len(os.listdir(world.root / ".incoming")) == 4
    assert own_folders.stages() == []
    with pytest.raises(ValueError, match="no stage's name"):
        own_folders.remove_stage("../victim")
