"""check_library names everything that does not fit, and touches nothing."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.library import audit as module
from catalog.library.audit import KINDS, check_library
from catalog.models import Track
from catalog.storage.own_folders import STAGING
from catalog.tags import audio_tags
from catalog.tracks import transitions
from tests.audio import make_audio
from tests.world import World

pytestmark = pytest.mark.django_db


def found(world: World) -> dict[str, list]:
    """What is listed, kinds with nothing left out; counts and lists agree."""
    check = check_library(world.now)
    assert not check.problem
    assert {kind: len(listed) for kind, listed in check.listed.items()} == check.counts
    return {kind: listed for kind, listed in check.listed.items() if listed}


def path_of(world: World, name: str = "Maria Ruiz/First Light/Morning") -> Path:
    return Path(world.tracks[name].local_path)


def snapshot(world: World) -> tuple:
    """Every file and every row."""
    files = sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in world.root.rglob("*"))
    return files, list(Track.objects.order_by("pk").values())


def test_a_healthy_library_has_nothing_to_say(world):
    check = check_library(world.now)
    assert (check.files, check.rows) == (6, 6)
    assert sum(check.counts.values()) == 0


def test_a_row_without_its_file_is_named(world):
    path_of(world).unlink()
    shutil.rmtree(world.root / "山田")
    assert found(world) == {"rows_without_files": ["Maria Ruiz/First Light/01 Morning.mp3", "山田/海/01 波.mp3"]}


def test_a_folder_where_a_file_should_be_is_no_file(world):
    path_of(world).unlink()
    path_of(world).mkdir()
    assert list(found(world)) == ["rows_without_files"]


def test_a_file_without_a_row_is_named_and_a_cover_is_not(world):
    (world.root / "Maria Ruiz/extra.MP3").write_bytes(b"x")
    (world.root / "Maria Ruiz/cover.jpg").write_bytes(b"x")
    (world.root / ".hidden").mkdir()
    (world.root / ".hidden/a.mp3").write_bytes(b"x")
    assert found(world) == {"files_without_rows": ["Maria Ruiz/extra.MP3"]}


def test_the_file_of_a_missing_song_is_no_songs_file(world):
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    transitions.vanish({track.pk: track.file_name}, world.now)
    assert found(world) == {"files_without_rows": ["Maria Ruiz/First Light/01 Morning.mp3"]}


def test_another_size_is_named_with_both(world):
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    path_of(world).write_bytes(b"short")
    said = {"file": "Maria Ruiz/First Light/01 Morning.mp3", "recorded": track.size, "on_disk": 5}
    assert found(world) == {"other_size": [said]}


def test_a_name_in_another_normal_form_is_the_same_file_where_the_disk_says_so(world):
    """This disk keeps forms apart: then the row has no file, and the other one has no row."""
    path = path_of(world, "Ólöf/Hafið/Bára")
    path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    assert sorted(found(world)) == ["files_without_rows", "rows_without_files"]


def test_a_linked_folder_is_followed_for_its_rows(world, tmp_path):
    (world.root / "山田").rename(tmp_path / "elsewhere")
    (world.root / "山田").symlink_to(tmp_path / "elsewhere")
    assert found(world) == {}


def test_what_cannot_be_read_is_unknown_and_not_gone(world, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("First Light"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(module.os, "scandir", scandir)
    assert found(world) == {"unknown": ["Maria Ruiz/First Light: Permission denied"]}


def test_stages_of_no_claim_are_named_and_live_ones_are_not(world):
    world.make_track("Busy")
    claimed = transitions.claim(world.now)
    assert claimed
    for name in (f"{claimed.pk}-{claimed.claim}", f"77-{'0' * 32}"):
        (world.root / STAGING / name).mkdir(parents=True)
    assert found(world) == {"stale_stages": [f"{STAGING}/77-{'0' * 32}"]}


def test_a_second_file_of_a_song_is_hinted_at(world, tmp_path):
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    second = make_audio(world.root / "second.mp3", 1)
    audio_tags.write_tags(
        second, audio_tags.TrackTags("Morning", ("Maria Ruiz",), spotify_id=track.spotify_id or ""), None
    )
    said = found(world)
    assert said["files_without_rows"] == ["second.mp3"]
    assert said["two_files"] == [{"file": "second.mp3", "track": track.pk, "title": "Morning", "has": track.local_path}]


def test_nothing_is_touched(world):
    path_of(world).unlink()
    (world.root / "extra.mp3").write_bytes(b"x")
    (world.root / STAGING / "1-x").mkdir(parents=True)
    before = snapshot(world)
    check_library(world.now)
    assert snapshot(world) == before


def test_all_are_counted_and_some_are_named(world, monkeypatch):
    monkeypatch.setattr(module, "LISTED", 2)
    monkeypatch.setattr(module, "BATCH", 2)
    for track in world.tracks.values():
        Path(track.local_path).unlink()
    check = check_library(world.now)
    assert (check.counts["rows_without_files"], len(check.listed["rows_without_files"]), check.rows) == (6, 2, 6)


def test_a_drive_that_is_not_there_proves_nothing(world, capsys):
    (world.root / ".tonekeep").unlink()
    check = check_library(world.now)
    assert "not mounted" in check.problem
    assert sum(check.counts.values()) == 0
    with pytest.raises(CommandError, match="not mounted"):
        call_command("check_library", "--json")
    assert "not mounted" in json.loads(capsys.readouterr().out)["problem"]


def test_the_command_names_each_kind_in_words(world, capsys):
    call_command("check_library")
    assert capsys.readouterr().out.endswith("Everything fits.\n")
    path_of(world).unlink()
    path_of(world, "山田/海/波").write_bytes(b"short")
    call_command("check_library")
    said = capsys.readouterr().out
    assert f"1 {KINDS['rows_without_files']}:\n  Maria Ruiz/First Light/01 Morning.mp3" in said
    assert "5 bytes, recorded are" in said
