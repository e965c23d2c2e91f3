"""Another music folder, chosen on a page: by the rules of the marker, and never one that could be a mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings

from catalog.library.reconcile import reconcile
from catalog.models import JobRequest, Library, Track
from catalog.storage import state as storage
from catalog.storage.choose import CannotChoose, choose
from catalog.storage.marker import MARKER, read_marker
from tests.world import ROOT_UUID, World

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _free(world: World, settings: LazySettings) -> None:
    settings.MUSIC_DIR_FIXED = False
    settings.MUSIC_DIR_FILE = settings.DATA_DIR / "music_dir"


@pytest.fixture
def other(world: World) -> Path:
    folder = world.root.with_name("other")
    folder.mkdir()
    return folder


def without_files() -> None:
    """As before the first song was fetched or recognised."""
    Track.objects.update(status="missing", local_path="", folder=None, file_name="", name_key="", size=None)


def test_a_library_without_files_goes_to_any_folder_and_is_looked_through(
    world: World, other: Path, settings: LazySettings
) -> None:
    without_files()
    assert choose(f"{other}/") is False
    assert settings.MUSIC_DIR_FILE.read_text() == str(other)
    settings.MUSIC_DIR = str(other)  # the next start
    assert storage.check(world.now).state == "online"
    library = Library.load()
    assert library.root_path == str(other) and library.root_uuid == read_marker(str(other)) != ROOT_UUID
    assert JobRequest.objects.is_waiting("look")


def test_a_folder_that_is_marked_already_keeps_its_marker(world: World, other: Path, settings: LazySettings) -> None:
    without_files()
    (other / MARKER).write_text("7c6f6c2e-7d1b-4d3a-9b8e-3f1d2a4b5c6d\n")
    choose(str(other))
    settings.MUSIC_DIR = str(other)
    storage.check(world.now)
    assert Library.load().root_uuid == read_marker(str(other)) == "7c6f6c2e-7d1b-4d3a-9b8e-3f1d2a4b5c6d"


def test_a_library_with_files_goes_only_where_it_lies(world: World, other: Path, settings: LazySettings) -> None:
    with pytest.raises(CannotChoose, match=f"has no {MARKER} file"):
        choose(str(other))
    (other / MARKER).write_text("7c6f6c2e-7d1b-4d3a-9b8e-3f1d2a4b5c6d\n")
    with pytest.raises(CannotChoose, match="belongs to another catalog"):
        choose(str(other))
    assert not settings.MUSIC_DIR_FILE.exists()
    moved = world.root.with_name("moved")
    world.root.rename(moved)
    assert choose(str(moved)) is True


def test_another_folder_in_the_environment_is_offline_while_the_library_has_files(
    world: World, other: Path, settings: LazySettings
) -> None:
    settings.MUSIC_DIR = str(other)
    assert storage.check(world.now).state == "offline"
    assert Library.load().root_path == str(world.root) and not (other / MARKER).exists()


def test_an_empty_mount_point_of_an_unused_library_is_not_taken_for_it(world: World) -> None:
    """The same path without its marker: the drive is away."""
    without_files()
    (world.root / MARKER).unlink()
    assert storage.check(world.now).state == "offline"
    assert not (world.root / MARKER).exists()


def test_a_vanished_file_counts_as_a_file(world: World, other: Path) -> None:
    for path in list(world.root.rglob("*.mp3")):
        path.unlink()
    reconcile(world.now)
    assert not Track.objects.filter(status="downloaded").exists()
    with pytest.raises(CannotChoose):
        choose(str(other))


@pytest.mark.parametrize("written", ["", "music", "../x", "/srv/a\nb", "/" + "x" * 1000])
def test_what_is_no_whole_path_is_refused(written: str) -> None:
    with pytest.raises(CannotChoose, match="whole path"):
        choose(written)


def test_folders_that_cannot_be_are_refused_in_a_sentence(world: World, other: Path, settings: LazySettings) -> None:
    without_files()
    for path, words in [
        (other / "not there", "is not there"),
        (world.root, "already"),
        (settings.DATA_DIR, "own data lies in"),
        (settings.DATA_DIR.parent, "own data lies in"),
    ]:
        with pytest.raises(CannotChoose, match=words):
            choose(str(path))
    assert not (other / "not there").exists() and not settings.MUSIC_DIR_FILE.exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_refused(other: Path) -> None:
    without_files()
    other.chmod(0o555)
    with pytest.raises(CannotChoose, match="may not be written to"):
        choose(str(other))


def test_the_environment_wins(other: Path, settings: LazySettings) -> None:
    settings.MUSIC_DIR_FIXED = True
    with pytest.raises(CannotChoose, match="MUSIC_DIR in the environment"):
        choose(str(other))


def ask(data: Path, **environment: str) -> str:
    say = "from config import settings as s; print(s.MUSIC_DIR, s.MUSIC_DIR_NAMED, s.MUSIC_DIR_FIXED)"
    clean = {"DATA_DIR": str(data), "ENV_FILE": "/dev/null", **environment}
    done = subprocess.run([sys.executable, "-c", say], cwd=ROOT, env=clean, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_next_start_reads_the_environment_then_the_choice_then_the_default(tmp_path: Path) -> None:
    assert ask(tmp_path) == f"{tmp_path}/music False False"
    (tmp_path / "music_dir").write_text("/srv/my music\n")
    assert ask(tmp_path) == "/srv/my music True False"
    assert ask(tmp_path, MUSIC_DIR="/mnt/x") == "/mnt/x True True"
