"""What a folder can do is found out by trying it, whatever the errors are called."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from catalog.models import Host
from catalog.music.path_template import Naming, relative_place
from catalog.storage import probe
from catalog.tracks import transitions
from downloads.health.storage import storage_checks
from downloads.publishing import link_method, staging
from tests.world import World, publish_by


def refuse(monkeypatch, *refusals: tuple[str, int], times: int = 1_000) -> None:
    """Let the ways named fail with their errnos, the first ``times`` times."""
    real, left = link_method.put_in_place, dict.fromkeys(dict(refusals), times)

    def put(source: str, target: str, method: str) -> None:
        if left.get(method, 0) > 0:
            left[method] -= 1
            raise OSError(dict(refusals)[method], "no", target)
        real(source, target, method)

    monkeypatch.setattr(link_method, "put_in_place", put)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOENT, errno.EPERM, errno.ENOSYS, errno.ETIMEDOUT])
def test_a_link_that_always_fails_is_not_supported_under_any_errno(monkeypatch, tmp_path: Path, code: int) -> None:
    refuse(monkeypatch, ("link", code), ("rename", errno.EINVAL))
    assert link_method.probe_method(str(tmp_path)) == "placeholder"
    assert list(tmp_path.iterdir()) == []


def test_a_moments_trouble_teaches_nothing(monkeypatch, tmp_path: Path) -> None:
    refuse(monkeypatch, ("link", errno.EIO), times=1)
    assert link_method.probe_method(str(tmp_path)) == "link"


def test_a_mount_that_can_only_write_is_copied_into(monkeypatch, tmp_path: Path) -> None:
    refuse(monkeypatch, ("link", errno.EPERM), ("rename", errno.EPERM), ("placeholder", errno.EPERM))
    assert link_method.probe_method(str(tmp_path)) == "copy"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_a_copy_whose_stage_was_taken_away_puts_nothing_in_place(monkeypatch, tmp_path: Path) -> None:
    """Recovery had taken it for dead: the song is somebody else's by now."""
    source, target = tmp_path / "stage" / "a.mp3", tmp_path / "b.mp3"
    source.parent.mkdir()
    source.write_bytes(b"song " * 100)
    monkeypatch.setattr(link_method, "failpoint", lambda name: source.unlink() if name == "copied" else None)
    with pytest.raises(FileNotFoundError):
        link_method.put_in_place(str(source), str(target), link_method.COPY)
    assert not target.exists()


def test_where_it_cannot_rename_songs_are_staged_on_our_own_disk(world: World, settings) -> None:
    publish_by("copy")
    track = world.make_track()
    claimed = transitions.claim_one(track.pk, world.now)
    assert claimed
    left = Path(link_method.local_stage("7-of-a-crash"))
    left.mkdir(parents=True)
    stage = Path(staging.open_stage(claimed))
    assert stage.is_relative_to(settings.DATA_DIR) and not left.exists()
    assert Path(staging.stage_folder(claimed)).is_dir(), "what recovery takes away from who is late"
    staging.clear_stage(claimed)
    assert not stage.exists() and not Path(staging.stage_folder(claimed)).exists()


@pytest.mark.django_db
def test_each_host_finds_out_for_its_own_mount(world: World, settings) -> None:
    assert link_method.method_in(".tonekeep-incoming") == "link"
    settings.HOST_NAME = "attic"
    publish_by("copy")
    settings.HOST_NAME = "nas"
    assert link_method.method_in(".tonekeep-incoming") == "link"
    conditions = {"storage": {"state": "online", "reason": "", "checked_at": world.now, "root": "/music"}}
    found = {check.name: check for check in storage_checks(conditions, world.now)}
    assert "attic: By copies" in found["publish"].text and "nas: By hard links" in found["publish"].text


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_or_read_only_disk_is_no_lack_of_links(monkeypatch, tmp_path: Path, code: int) -> None:
    refuse(monkeypatch, ("link", code))
    with pytest.raises(OSError, match="no"):
        link_method.probe_method(str(tmp_path))


def test_a_folder_in_which_nothing_works_is_the_disks_fault(monkeypatch, tmp_path: Path) -> None:
    refuse(monkeypatch, *((way, errno.EIO) for way in link_method.WAYS))
    with pytest.raises(OSError, match="no"):
        link_method.probe_method(str(tmp_path))


@pytest.mark.django_db
def test_the_health_page_says_what_the_folder_lacks_and_what_that_means(world: World, monkeypatch) -> None:
    refuse(monkeypatch, ("link", errno.EIO), ("rename", errno.EINVAL))
    monkeypatch.setattr(link_method, "can_sync", lambda folder: False)
    assert link_method.method_in(".tonekeep-incoming") == "placeholder"
    assert Host.own().lacks == ["link", "rename", "fsync"]
    conditions = {"storage": {"state": "online", "reason": "", "checked_at": world.now, "root": "/music"}}
    found = {check.name: check for check in storage_checks(conditions, world.now)}
    assert "no hard links" in found["publish"].text
    assert "power cut may cost the last files" in found["publish"].text


@pytest.mark.django_db
def test_free_space_that_cannot_be_known_is_unknown_and_no_floor(world: World, monkeypatch, settings) -> None:
    def no_figures(path: object) -> os.statvfs_result:
        raise OSError(errno.ENOSYS, "Function not implemented")

    settings.MIN_FREE_BYTES = 10**18
    monkeypatch.setattr(probe.os, "statvfs", no_figures)
    seen = probe.probe_root(str(world.root))
    assert (seen.problem, seen.free_bytes, seen.writable) == ("", None, True)


def test_no_name_holds_the_sign_at_which_players_end_a_line() -> None:
    assert relative_place(Naming("#1 in C#", ("A",)), "mp3", "{title}") == "＃1 in C＃.mp3"
