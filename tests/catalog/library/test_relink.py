"""Renamed files are found again by the id in their tags, else by size and length; nothing is guessed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.library.reconcile import reconcile
from catalog.library.relink import relink
from catalog.models import Library, Track
from catalog.scanning import untracked
from catalog.system.file_locks import try_lock
from catalog.tags import audio_tags
from tests.audio import make_audio
from tests.world import World

pytestmark = pytest.mark.django_db

SECONDS = 4


@pytest.fixture(autouse=True)
def no_search_in_the_pass(world: World) -> None:
    """The pass itself would find the files first."""
    Library.objects.update(find_moved=False)


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_audio(tmp_path_factory.mktemp("tone") / "tone.mp3", SECONDS)


def song(world: World, tone: str, title: str, tagged: bool = True, padding: int = 0, **columns) -> Path:
    """A downloaded track of real audio, with its id in its tags or with none."""
    track = world.make_track(title, duration_ms=SECONDS * 1000, **columns)
    draft = world.root.parent / "draft.mp3"
    shutil.copyfile(tone, draft)
    if tagged:
        audio_tags.write_tags(
            str(draft), audio_tags.TrackTags(title, ("Maria Ruiz",), spotify_id=track.spotify_id or ""), None
        )
    return world.put_file(track, draft.read_bytes() + b"\0" * padding)


def rename(path: Path, name: str) -> Path:
    target = path.parent / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return path.rename(target)


def row(title: str) -> Track:
    return Track.objects.get(title=title)


def test_where_it_is_switched_off_a_renamed_file_is_missing_and_queued(world, tone):
    rename(song(world, tone, "Nocturne"), "renamed.mp3")
    reconcile(world.now)
    assert Track.objects.queue(world.now).get().title == "Nocturne"


def test_a_renamed_file_is_found_by_the_id_in_its_tags(world, tone):
    path = rename(song(world, tone, "Nocturne"), "../../Else/where.mp3")
    path.write_bytes(path.read_bytes() + b"\0" * 1000)  # also retagged: another size than recorded
    reconcile(world.now)
    report = relink(world.now)
    assert (report.lost, report.files, report.relinked) == (1, 1, 1)
    found = row("Nocturne")
    assert (found.status, found.local_path) == ("downloaded", str(world.root / "Else/where.mp3"))
    assert found.size == path.stat().st_size
    assert found.events.get(kind="adopt").reason == "the Spotify id in its tags"
    assert reconcile(world.now, full=True).vanished == 0


def test_our_own_id_counts_only_beside_the_songs_spelling(world, tone):
    for title, said in (("Nocturne", "Nocturne"), ("Etude", "Something else")):
        path = song(world, tone, title, tagged=False, spotify_id=None)
        audio_tags.write_tags(
            str(path), audio_tags.TrackTags(said, ("Maria Ruiz",), track_key=f"{row(title).pk}:abc"), None
        )
        rename(path, f"{title} renamed.mp3")
    reconcile(world.now)
    assert relink(world.now).relinked == 1
    assert (row("Nocturne").status, row("Etude").status) == ("downloaded", "missing")


def test_without_an_id_size_and_length_decide_where_only_one_fits(world, tone):
    rename(song(world, tone, "Nocturne", tagged=False, padding=5), "renamed.mp3")
    song(world, tone, "Long", tagged=False, padding=9).unlink()
    Track.objects.filter(title="Long").update(duration_ms=240_000)
    reconcile(world.now)
    report = relink(world.now)
    assert (report.relinked, report.ambiguous) == (1, 0)
    assert (row("Nocturne").file_name, row("Long").status) == ("renamed.mp3", "missing")


@pytest.mark.parametrize("seconds", [None, 240])
def test_the_size_alone_proves_nothing(world, tone, seconds):
    rename(song(world, tone, "Nocturne", tagged=False), "renamed.mp3")
    Track.objects.filter(title="Nocturne").update(duration_ms=seconds and seconds * 1000)
    reconcile(world.now)
    assert relink(world.now).relinked == 0
    assert row("Nocturne").status == "missing"


def test_what_fits_several_is_left_to_a_person(world, tone):
    for title in ("Nocturne", "Etude"):
        rename(song(world, tone, title, tagged=False), f"{title} renamed.mp3")
    reconcile(world.now)
    report = relink(world.now)
    assert (report.relinked, report.ambiguous) == (0, 2)
    assert Track.objects.missing().count() == 2


def test_a_file_that_names_another_track_is_not_taken_by_its_size(world, tone):
    other = song(world, tone, "Etude")
    lost = song(world, tone, "Nocturne", tagged=False)
    lost.unlink()
    shutil.copyfile(other, lost.parent / "copy of etude.mp3")
    Track.objects.filter(title="Nocturne").update(size=other.stat().st_size)
    reconcile(world.now)
    assert relink(world.now).relinked == 0


def test_a_track_of_two_copies_takes_one(world, tone):
    path = song(world, tone, "Nocturne")
    shutil.copyfile(path, path.parent / "a copy.mp3")
    rename(path, "renamed.mp3")
    reconcile(world.now)
    report = relink(world.now)
    assert (report.files, report.relinked) == (2, 1)


def test_a_renamed_folder_of_many_lets_fetching_go_on(world, tone):
    for number in range(25):
        song(world, tone, f"Song {number}", number=number)
    os.rename(world.root / "Maria Ruiz", world.root / "Maria")
    reconcile(world.now)
    assert Library.load().held_since
    assert relink(world.now).relinked == 25
    assert Library.load().held_since is None


@pytest.mark.parametrize("target", ["renamed.mp3", "../New Light/renamed.mp3", "../../New name/Light/renamed.mp3"])
def test_a_pass_lists_no_other_folder_where_a_changed_one_or_one_beside_it_has_the_file(
    world, tone, target, monkeypatch, trusted_filesystem
):
    Library.objects.update(find_moved=True)
    path = song(world, tone, "Nocturne", artist="Chopin", album="Light")
    for hours in (0, 1):
        reconcile(world.now + timedelta(hours=hours))  # the stamps are believed from now on
    walks: list[str] = []
    walk = untracked.walk

    def noted(start: str = "") -> Iterator[untracked.Listing]:
        walks.append(start)
        return walk(start)

    monkeypatch.setattr(untracked, "walk", noted)
    rename(path, target)
    if not os.listdir(path.parent):  # else it is the folder that was renamed
        shutil.rmtree(path.parent.parent if "../../" in target else path.parent)
    report = reconcile(world.now + timedelta(hours=2))
    assert (report.vanished, report.found, row("Nocturne").status) == (1, 1, "downloaded")
    assert "" not in walks


def test_a_changed_folder_below_another_that_no_row_is_in_is_listed_once(world):
    (world.root / "New/Light").mkdir(parents=True)
    folders = [folder for folder, _ in untracked.walk_near(["New/Light", "New", ""])]
    assert folders.count("New") == folders.count("New/Light") == 1


def test_a_dry_run_changes_no_row(world, tone):
    rename(song(world, tone, "Nocturne"), "renamed.mp3")
    reconcile(world.now)
    assert relink(world.now, dry_run=True).relinked == 1
    assert row("Nocturne").status == "missing"


def test_nothing_is_done_offline_or_beside_a_reconcile(world, tone):
    rename(song(world, tone, "Nocturne"), "renamed.mp3")
    reconcile(world.now)
    with try_lock("reconcile"):
        assert "is being scanned" in relink(world.now).problem
    (world.root / ".tonekeep").unlink()
    assert "not mounted" in relink(world.now).problem
    assert row("Nocturne").status == "missing"


def test_nothing_lost_means_nothing_read(world, tone):
    shutil.copyfile(tone, world.root / "stranger.mp3")
    assert relink(world.now).files == 0


def test_the_command_relinks_after_its_pass(world, tone, capsys):
    rename(song(world, tone, "Nocturne"), "renamed.mp3")
    call_command("reconcile", "--relink", "--json")
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["vanished"], said["relink"]["relinked"]) == (1, 1)
    assert row("Nocturne").status == "downloaded"
