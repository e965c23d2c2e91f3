"""Files that are there already become their tracks' files; doubtful ones wait for a person's word."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog.library.adopt import CannotAdopt, accept, adopt, hold_questions, reject
from catalog.library.reconcile import reconcile
from catalog.models import AdoptionMatch, Track
from catalog.scanning import untracked
from catalog.tags import audio_tags
from catalog.tracks import transitions
from tests.catalog.library.conftest import SECONDS
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def put(world: World, tone: str) -> Callable[..., Path]:
    """Puts real audio with tags into the music folder, as if a person had it from elsewhere."""

    def put(relative: str, title: str = "", artist: str = "Maria Ruiz", **said: Any) -> Path:
        path = world.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tone, path)
        audio_tags.write_tags(str(path), audio_tags.TrackTags(title, (artist,) if artist else (), **said), None)
        os.utime(path, (1, 1))
        return path

    return put


def missing(world: World, title: str, seconds: float = SECONDS, **columns) -> Track:
    return world.make_track(title, duration_ms=int(seconds * 1000), **columns)


@pytest.mark.parametrize("by", ["id", "isrc", "words"])
def test_a_file_is_found_by_id_by_isrc_or_by_title_artist_and_length(world, put, by):
    track = missing(world, "Nocturne", isrc="GBAYE0000001")
    ways: dict[str, dict[str, Any]] = {
        "id": {"title": "Other", "artist": "Another", "spotify_id": track.spotify_id},
        "isrc": {"title": "Other", "artist": "Another", "isrc": "GBAYE0000001"},
        "words": {"title": "NOCTURNE"},
    }
    path = put("mine/a.mp3", **ways[by])
    report = adopt(None, world.now)
    assert (report.adopted, report.strangers, report.known) == (1, 0, 6)
    track.refresh_from_db()
    assert (track.status, track.local_path, track.size) == ("downloaded", str(path), path.stat().st_size)
    assert track.events.get().kind == "adopt"


def test_two_files_of_one_track_make_one_row_and_one_stranger(world, put):
    missing(world, "Nocturne")
    put("a.mp3", "Nocturne")
    put("b.mp3", "Nocturne")
    report = adopt(None, world.now)
    assert (report.adopted, report.strangers) == (1, 1)


def test_a_file_of_another_length_is_doubtful_and_adopted_by_a_yes_only(world, put):
    track = missing(world, "Nocturne", seconds=240)
    put("a.mp3", "Nocturne")
    report = adopt(None, world.now)
    assert (report.adopted, report.doubts, world.status_of(track)) == (0, 1, "missing")
    assert report.doubtful[0]["why"] == "title and artist, but its length is 4 s, not 240 s"
    assert accept([AdoptionMatch.objects.get().pk], world.now, "maria") == 1
    track.refresh_from_db()
    assert (track.status, track.file_name) == ("downloaded", "a.mp3")
    assert track.events.get().by == "maria"
    assert not AdoptionMatch.objects.exists()


def test_a_no_is_asked_once_and_a_changed_file_again(world, put):
    missing(world, "Nocturne", seconds=240)
    path = put("a.mp3", "Nocturne")
    adopt(None, world.now)
    assert reject([AdoptionMatch.objects.get().pk], world.now) == 1
    again = adopt(None, world.now)
    assert (again.doubts, again.rejected) == (0, 1)
    assert accept([AdoptionMatch.objects.get().pk], world.now, "maria") == 0
    path.write_bytes(path.read_bytes() + b"\0" * 417)
    changed = adopt(None, world.now)
    assert (changed.doubts, changed.rejected) == (1, 0)
    assert AdoptionMatch.objects.get().rejected is False


def test_a_doubt_that_is_settled_goes(world, put):
    track = missing(world, "Nocturne", seconds=240)
    put("a.mp3", "Nocturne")
    adopt(None, world.now)
    adopt(None, world.now)
    assert AdoptionMatch.objects.count() == 1
    Track.objects.filter(pk=track.pk).update(duration_ms=SECONDS * 1000)
    assert adopt(None, world.now).adopted == 1
    assert not AdoptionMatch.objects.exists()


def test_a_yes_to_a_track_that_has_a_file_by_now_changes_nothing(world, put):
    track = missing(world, "Nocturne", seconds=240)
    put("a.mp3", "Nocturne")
    adopt(None, world.now)
    world.put_file(track)
    assert accept([AdoptionMatch.objects.get().pk], world.now, "maria") == 0
    track.refresh_from_db()
    assert track.file_name != "a.mp3"


def test_a_dry_run_changes_no_row(world, put):
    track = missing(world, "Nocturne")
    missing(world, "Etude", seconds=240)
    put("a.mp3", "Nocturne")
    put("b.mp3", "Etude")
    report = adopt(None, world.now, dry_run=True)
    assert (report.adopted, report.doubts) == (1, 1)
    assert world.status_of(track) == "missing"
    assert not AdoptionMatch.objects.exists()


def test_what_was_read_once_is_not_opened_again(world, put):
    put("a.mp3", "Somebody else's")
    (world.root / "b.mp3").write_bytes(b"no audio")
    os.utime(world.root / "b.mp3", (1, 1))
    first = adopt(None, world.now)
    assert (first.opened, first.strangers, first.unreadable) == (2, 1, 1)
    second = adopt(None, world.now)
    assert (second.opened, second.strangers, second.unreadable) == (0, 1, 1)


def test_a_file_that_has_changed_is_opened_again(world, put):
    path = put("a.mp3", "Somebody else's")
    adopt(None, world.now)
    track = missing(world, "Nocturne")
    audio_tags.write_tags(str(path), audio_tags.TrackTags("Nocturne", ("Maria Ruiz",)), None)
    os.utime(path, (1, 1))
    assert adopt(None, world.now).adopted == 1
    assert world.status_of(track) == "downloaded"


def test_a_file_that_changed_just_now_is_not_believed_next_time(world, put):
    put("a.mp3", "Somebody else's")
    changed = datetime.fromtimestamp((world.root / "a.mp3").stat().st_ctime, UTC)
    assert [adopt(None, changed + timedelta(seconds=1)).opened for _ in range(2)] == [1, 1]
    assert [adopt(None, changed + timedelta(seconds=3)).opened for _ in range(2)] == [1, 0]


def test_a_damaged_cache_costs_nothing_but_reading(world, put):
    missing(world, "Nocturne")
    put("a.mp3", "Nocturne")
    Path(untracked.cache_path()).write_bytes(b"not a database" * 100)
    assert adopt(None, world.now).adopted == 1


def test_nothing_is_adopted_while_the_library_is_offline(world, put):
    track = missing(world, "Nocturne")
    put("a.mp3", "Nocturne")
    (world.root / ".tonekeep").unlink()
    with pytest.raises(CannotAdopt, match="not mounted"):
        adopt(None, world.now)
    assert world.status_of(track) == "missing"


def test_a_folder_outside_the_library_is_refused(world, tmp_path):
    with pytest.raises(CannotAdopt, match="is not in the music folder"):
        adopt(str(tmp_path), world.now)


def test_a_name_that_is_no_text_hinders_nobody(world, put):
    track = missing(world, "Nocturne")
    put("a.mp3", "Nocturne")
    raw = os.fsencode(world.root) + b"/\xff\xfe.mp3"
    shutil.copyfile(world.root / "a.mp3", raw)
    assert adopt(None, world.now).adopted == 1
    assert world.status_of(track) == "downloaded"


def test_a_place_that_another_row_holds_hinders_only_its_own_file(world, put):
    holder = world.tracks["Maria Ruiz/First Light/Morning"]
    transitions.vanish({holder.pk: holder.file_name}, world.now)
    os.unlink(holder.local_path)
    taken = missing(world, "Nocturne")
    free = missing(world, "Etude")
    put(f"Maria Ruiz/First Light/{holder.file_name}", "Nocturne")
    put("mine/etude.mp3", "Etude")
    assert adopt(None, world.now).adopted == 1
    assert (world.status_of(taken), world.status_of(free)) == ("missing", "downloaded")
    assert free.events.get().kind == "adopt"


def test_folders_that_are_one_on_many_disks_get_one_row(world, put):
    first, second = missing(world, "Nocturne"), missing(world, "Etude")
    put("Mine/a.mp3", "Nocturne")
    put("mine/b.mp3", "Etude")
    assert adopt(None, world.now).adopted == 1
    assert sorted([world.status_of(first), world.status_of(second)]) == ["downloaded", "missing"]


def test_adopted_folders_are_looked_at_by_the_next_pass(world, put):
    track = missing(world, "Nocturne")
    reconcile(world.now, full=True)
    path = put("Maria Ruiz/First Light/a.mp3", "Nocturne")
    reconcile(world.now)
    adopt(None, world.now)
    path.unlink()
    assert reconcile(world.now).vanished == 1
    assert world.status_of(track) == "missing"


def test_a_pass_without_a_question_goes_through_no_tracks_for_one(world, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        hold_questions(world.now)
