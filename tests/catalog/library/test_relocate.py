"""The folder moved: every path follows, also after a kill in the middle, and never onto another row's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.library import relocate
from catalog.library.reconcile import reconcile
from catalog.library.relocate import CannotRelocate
from catalog.models import Library, Track
from catalog.storage import state as storage
from catalog.tracks import transitions
from catalog.tracks.place import Place
from tests.world import World

pytestmark = pytest.mark.django_db


def move_folder(world: World, settings, target: Path) -> Path:
    """Move the music folder and say so in MUSIC_DIR."""
    aside = world.root.parent / "aside"
    world.root.rename(aside)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(target)
    settings.MUSIC_DIR = str(target)
    return target


def test_the_rows_follow_the_folder_and_nothing_is_missing(world, settings):
    lost = world.make_track("Gone")
    world.put_file(lost).unlink()
    reconcile(world.now)
    new = move_folder(world, settings, world.root.parent / "new" / "place")
    assert "If it has moved" in storage.check(world.now).reason
    report = relocate.relocate(str(new), world.now)
    assert (report.rows, report.changed, report.state) == (7, 7, "online")
    assert all(Path(path).is_file() for path in Track.objects.downloaded().values_list("local_path", flat=True))
    lost.refresh_from_db()
    assert lost.local_path.startswith(str(new))
    assert reconcile(world.now, full=True).vanished == 0


def test_a_file_in_the_root_itself_follows_too(world, settings):
    track = world.make_track("Alone")
    world.put_file(track, relative="alone.mp3")
    new = move_folder(world, settings, world.root.parent / "new")
    relocate.relocate(str(new), world.now)
    track.refresh_from_db()
    assert track.local_path == f"{new}/alone.mp3"


@pytest.mark.parametrize("batch", [1, 2, 500])
@pytest.mark.parametrize("inward", [True, False])
def test_a_new_path_that_was_another_rows_old_one_is_waited_for(world, settings, monkeypatch, batch, inward):
    """/music -> /music/a (and back): "x.mp3" gets the path that "a/x.mp3" had."""
    monkeypatch.setattr(relocate, "BATCH", batch)
    deep, shallow = (f"{'a/' * 2}x.mp3", "x.mp3") if inward else ("x.mp3", "a/a/x.mp3")
    for number, relative in enumerate([shallow, "a/x.mp3", deep]):
        world.put_file(world.make_track(f"Song {number}", number=number), relative=relative)
    outer = world.root.parent / "outer"
    old, new = (outer, outer / "a") if inward else (outer / "a", outer)
    move_folder(world, settings, old)
    relocate.relocate(str(old), world.now)
    aside = old.rename(world.root.parent / "aside")
    if not inward:
        outer.rmdir()
    new.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(new)
    settings.MUSIC_DIR = str(new)
    assert relocate.relocate(str(new), world.now).changed == 9
    paths = set(Track.objects.values_list("local_path", flat=True))
    assert len(paths) == 9
    assert all(Path(path).is_file() for path in paths)


def test_cut_short_it_stays_offline_and_is_done_again(world, settings, monkeypatch):
    monkeypatch.setattr(relocate, "BATCH", 2)
    new = move_folder(world, settings, world.root.parent / "new")

    def killed_after_four(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        relocate.relocate(str(new), world.now, killed_after_four)
    assert Track.objects.filter(local_path__startswith=f"{new}/").count() == 4
    assert storage.check(world.now).state == "offline"
    assert reconcile(world.now).vanished == 0
    report = relocate.relocate(str(new), world.now)
    assert (report.changed, report.state) == (2, "online")
    assert reconcile(world.now, full=True).files == 6


def test_a_reservation_follows_too(world, settings):
    track = world.make_track("Busy")
    claimed = transitions.claim(world.now)
    assert claimed and claimed.claim
    place = Place.of(str(world.root), "Busy.mp3")
    assert transitions.reserve(track.pk, claimed.claim, place, 100, world.now)
    new = move_folder(world, settings, world.root.parent / "new")
    relocate.relocate(str(new), world.now)
    track.refresh_from_db()
    assert (track.local_path, track.reserved) == (f"{new}/Busy.mp3", True)


@pytest.mark.parametrize("harm", ["no marker", "another marker", "no folder", "another MUSIC_DIR"])
def test_a_folder_that_is_not_the_library_changes_no_row(world, settings, harm):
    new = world.root.parent / "new"
    if harm != "no folder":
        new.mkdir()
    if harm == "another marker":
        (new / ".tonekeep").write_text("00000000-0000-4000-8000-000000000000\n")
    if harm != "another MUSIC_DIR":
        settings.MUSIC_DIR = str(new)
    with pytest.raises(CannotRelocate):
        relocate.relocate(str(new), world.now)
    assert Track.objects.filter(local_path__startswith=f"{world.root}/").count() == 6
    assert Library.load().root_path == str(world.root)


def test_the_command_says_how_many_and_refuses_in_a_sentence(world, settings, capsys):
    new = move_folder(world, settings, world.root.parent / "new")
    call_command("relocate", str(new))
    assert capsys.readouterr().out == f"The library is at {new} now: 6 of 6 paths.\n"
    os.unlink(new / ".tonekeep")
    with pytest.raises(CommandError, match=r"has no \.tonekeep file"):
        call_command("relocate", str(new))
