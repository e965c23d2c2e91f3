"""The folder moved: every path follows, and no row changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.library import relocate
from catalog.library.reconcile import reconcile
from catalog.library.relocate import CannotRelocate
from catalog.models import Track
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
    assert storage.check(world.now).state == "online"
    report = relocate.relocate(str(new), world.now)
    assert (report.rows, report.state) == (7, "online")
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
    before = list(Track.objects.order_by("pk").values())
    with pytest.raises(CannotRelocate):
        relocate.relocate(str(new), world.now)
    assert list(Track.objects.order_by("pk").values()) == before


def test_the_command_says_how_many_and_refuses_in_a_sentence(world, settings, capsys):
    new = move_folder(world, settings, world.root.parent / "new")
    call_command("relocate", str(new))
    assert capsys.readouterr().out == f"The library is at {new} now, with the paths of 6 songs.\n"
    os.unlink(new / ".tonekeep")
    with pytest.raises(CommandError, match=r"has no \.tonekeep file"):
        call_command("relocate", str(new))
