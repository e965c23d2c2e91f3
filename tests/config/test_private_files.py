"""Files of DATA_DIR are their owner's alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.checks import files_that_others_may_read
from config.private_files import make_private, open_files


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """As somebody made it by hand: open to all."""
    folder = tmp_path / "data"
    for path in (folder, folder / "run", folder / "music"):
        path.mkdir()
        path.chmod(0o755)
    for name in ("tonekeep.sqlite3", "tonekeep.sqlite3-wal", "secret_key", "run/beat-tonekeep", "music/song.mp3"):
        (folder / name).write_bytes(b"")
        (folder / name).chmod(0o644)
    return folder


def modes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): oct(path.stat().st_mode & 0o777) for path in folder.rglob("*")}


def test_a_folder_made_by_hand_is_closed_with_all_that_is_secret(data_dir: Path, tmp_path: Path) -> None:
    assert open_files(data_dir)
    make_private(data_dir, tmp_path / "music")
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert modes(data_dir)["tonekeep.sqlite3"] == modes(data_dir)["tonekeep.sqlite3-wal"] == "0o600"
    assert modes(data_dir)["secret_key"] == "0o600"
    assert open_files(data_dir) == []


def test_music_in_the_folder_stays_open_to_other_players(data_dir: Path) -> None:
    make_private(data_dir, data_dir / "music")
    assert data_dir.stat().st_mode & 0o777 == 0o755
    assert modes(data_dir)["music/song.mp3"] == "0o644"
    assert modes(data_dir)["tonekeep.sqlite3"] == "0o600"
    assert modes(data_dir)["run"] == "0o700"
    assert open_files(data_dir) == []


def test_a_link_is_not_followed(data_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "others.txt"
    other.write_text("")
    other.chmod(0o644)
    (data_dir / "secret_key.old").symlink_to(other)
    make_private(data_dir, tmp_path / "music")
    assert other.stat().st_mode & 0o777 == 0o644


def test_what_could_not_be_closed_is_an_error_of_the_check(data_dir: Path, settings: Any) -> None:
    settings.DATA_DIR = data_dir
    (error,) = files_that_others_may_read(None)
    assert str(data_dir) in str(error.msg)
    assert "chmod" in str(error.hint)
    data_dir.chmod(0o700)
    assert files_that_others_may_read(None) == []
