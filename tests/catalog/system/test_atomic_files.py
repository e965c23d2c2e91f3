"""Files are whole or not there, names are taken once, folders get their mode: with hard links and without."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from catalog.system.atomic_files import file_size, link_new, make_folders, write_new, write_over


@pytest.fixture(params=["hard links", "none"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "none":

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_finished_file_gets_its_name(folder: Path) -> None:
    (folder / "draft").write_bytes(b"whole")
    link_new(str(folder / "draft"), str(folder / "name"))
    assert (folder / "name").read_bytes() == b"whole"


def test_a_name_that_is_taken_stays_what_it_is(folder: Path) -> None:
    (folder / "name").write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        write_new(str(folder / "name"), b"ours")
    assert (folder / "name").read_bytes() == b"somebody's"
    assert names(folder) == ["name"]


def test_a_written_file_is_whole_and_private_unless_others_are_to_read_it(folder: Path) -> None:
    write_new(str(folder / "private"), b"whole")
    write_new(str(folder / "public"), b"whole", 0o664)
    assert [(folder / name).stat().st_mode & 0o777 for name in names(folder)] == [0o600, 0o664]
    assert (folder / "public").read_bytes() == b"whole"


def test_a_file_is_replaced_in_one_step_and_kept_where_the_disk_is_full(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_over(str(folder / "name"), b"first")
    write_over(str(folder / "name"), b"second")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_over(str(folder / "name"), b"third")
    assert (folder / "name").read_bytes() == b"second"
    assert names(folder) == ["name"]


def test_a_file_is_written_into_an_opened_folder_wherever_its_path_leads_by_now(folder: Path) -> None:
    (folder / "here").mkdir()
    descriptor = os.open(folder / "here", os.O_RDONLY)
    (folder / "here").rename(folder / "moved")
    write_new("new", b"1", dir_fd=descriptor)
    write_over("new", b"2", dir_fd=descriptor)
    os.close(descriptor)
    assert (folder / "moved" / "new").read_bytes() == b"2"
    assert names(folder / "moved") == ["new"]


def test_every_new_folder_has_the_mode_whatever_the_umask_and_old_ones_keep_theirs(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        make_folders(str(tmp_path), "old/new/newer", 0o775)
    finally:
        os.umask(before)
    modes = [(tmp_path / path).stat().st_mode & 0o777 for path in ("old", "old/new", "old/new/newer")]
    assert modes == [0o700, 0o775, 0o775]


def test_a_root_that_is_gone_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_folders(str(tmp_path / "gone"), "Artist", 0o755)
    assert names(tmp_path) == []


def test_a_link_or_a_folder_is_no_file_and_a_disk_that_fails_is_not_an_absence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert [file_size(str(tmp_path / name)) for name in ("file", "link", "", "none")] == [2, None, None, None]
    with pytest.raises(OSError, match="too long"):
        file_size(str(tmp_path / ("x" * 300)))
