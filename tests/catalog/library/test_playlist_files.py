"""Playlists out: what stands in them, whose files are replaced, and when nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.ingest.replace import replace_catalog
from catalog.library import playlist_files
from catalog.library.playlist_files import write_playlists
from catalog.models import Collection, Entry, Library, Track
from catalog.models.settings import save_settings
from catalog.music.records import CollectionRecord, EntryRecord, TrackRecord
from catalog.storage import hold
from catalog.system import atomic_files
from catalog.tracks import transitions
from tests.world import World

pytestmark = pytest.mark.django_db


def shelf(world: World) -> Path:
    return world.root / "Playlists"


def songs_in(path: Path) -> list[Path]:
    """The files that a player would play, in order."""
    lines = path.read_text().splitlines()
    return [Path(os.path.normpath(path.parent / line)) for line in lines if not line.startswith("#")]


def collection(world: World, name: str, tracks: list[Track], key: str = "") -> Collection:
    made = Collection.objects.create(kind="playlist", key=key or name, name=name)
    for position, track in enumerate(tracks):
        Entry.objects.create(collection=made, position=position, track=track, digest=position)
    return made


def test_a_playlist_lists_the_songs_on_disk_in_its_own_order(world):
    tracks = list(world.tracks.values())[::-1]
    collection(world, "Backwards", tracks)
    assert write_playlists(world.now).written == 2
    listed = songs_in(shelf(world) / "Backwards.m3u8")
    assert listed == [Path(track.local_path) for track in tracks]
    assert all(path.is_file() for path in listed)
    text = (shelf(world) / "Backwards.m3u8").read_text()
    assert text.startswith("#EXTM3U\n#PLAYLIST:Backwards\n")
    assert "#EXTINF:180,山田 - 波\n../山田/海/01 波.mp3\n" in text
    assert (shelf(world) / "Backwards.m3u8").stat().st_mode & 0o777 == 0o644


def test_another_folder_is_written_anew_and_the_former_one_left(world):
    write_playlists(world.now)
    assert save_settings({"PLAYLISTS_FOLDER": "Listas de Ana"}) == {}
    assert write_playlists(world.now).written == 1
    new = world.root / "Listas de Ana" / "Sample.m3u8"
    assert songs_in(new) == songs_in(shelf(world) / "Sample.m3u8")
    assert write_playlists(world.now).unchanged == 1


@pytest.mark.parametrize("name", ["a/b", "a\\b", ".hidden", "..", "x" * 101, "a\nb"])
def test_what_is_no_name_of_one_folder_is_refused(world, name):
    assert "a folder's name alone" in save_settings({"PLAYLISTS_FOLDER": name})["PLAYLISTS_FOLDER"]


def test_a_song_that_is_not_on_disk_is_left_out(world):
    missing = world.make_track("Not here")
    write_playlists(world.now)
    listed = songs_in(shelf(world) / "Sample.m3u8")
    assert len(listed) == 6
    assert "Not here" not in (shelf(world) / "Sample.m3u8").read_text()
    path = world.put_file(missing)
    transitions.vanish({missing.pk: missing.file_name}, world.now)
    transitions.restore({missing.pk: missing.file_name}, world.now)
    assert path.exists()
    assert write_playlists(world.now).written == 1
    assert Path(missing.local_path) in songs_in(shelf(world) / "Sample.m3u8")


def test_nothing_is_written_where_nothing_has_changed(world):
    write_playlists(world.now)
    before = (shelf(world) / "Sample.m3u8").stat()
    report = write_playlists(world.now)
    assert (report.written, report.unchanged) == (0, 1)
    assert (shelf(world) / "Sample.m3u8").stat() == before


def test_where_nothing_happened_no_collection_is_read(world, django_assert_max_num_queries):
    for number in range(20):
        collection(world, f"Mix {number}", list(world.tracks.values()))
    assert write_playlists(world.now).written == 21
    with django_assert_max_num_queries(15):  # on PostgreSQL some ask who acts, and who sees the folder
        assert write_playlists(world.now).unchanged == 21


def test_on_wish_each_playlist_stands_there_as_m3u_too_and_goes_again(world):
    collection(world, "Mix", list(world.tracks.values()))
    (world.root / "Playlists").mkdir(exist_ok=True)
    (shelf(world) / "Sample.m3u").write_text("mine")
    Library.objects.update(write_m3u=True)
    assert write_playlists(world.now).written == 3
    assert (shelf(world) / "Mix.m3u").read_bytes() == (shelf(world) / "Mix.m3u8").read_bytes()
    assert (shelf(world) / "Sample.m3u").read_text() == "mine"
    assert write_playlists(world.now).unchanged == 3
    Library.objects.update(write_m3u=False)
    assert write_playlists(world.now).removed == 1
    assert not (shelf(world) / "Mix.m3u").exists()


def test_a_playlist_that_somebody_deleted_is_written_again(world):
    collection(world, "Mix", list(world.tracks.values()))
    write_playlists(world.now)
    (shelf(world) / "Mix.m3u8").unlink()
    assert write_playlists(world.now).written == 1
    assert (shelf(world) / "Mix.m3u8").exists()


def test_another_order_after_a_sync_is_another_playlist(world):
    def sync(titles: list[str]) -> None:
        tracks = [TrackRecord(title, ("Maria Ruiz",), duration_ms=180_000) for title in titles]
        entries = [EntryRecord(track) for track in tracks]
        world.later(minutes=1)
        replace_catalog([CollectionRecord("playlist", "p", "Mix", entries)], world.now)

    sync(["Morning", "Noon"])
    write_playlists(world.now)
    sync(["Noon", "Morning"])
    assert write_playlists(world.now).written == 1
    assert [path.name for path in songs_in(shelf(world) / "Mix.m3u8")] == ["02 Noon.mp3", "01 Morning.mp3"]


def test_a_strangers_file_is_never_overwritten_and_never_removed(world):
    shelf(world).mkdir()
    (shelf(world) / "SAMPLE.m3u8").write_text("#EXTM3U\nmine.mp3\n")
    (shelf(world) / "Other.m3u8").write_text("mine too")
    write_playlists(world.now)
    assert (shelf(world) / "SAMPLE.m3u8").read_text() == "#EXTM3U\nmine.mp3\n"
    assert (shelf(world) / "Other.m3u8").read_text() == "mine too"
    assert len(songs_in(shelf(world) / f"Sample [{world.collection.pk}].m3u8")) == 6


def test_a_link_is_somebody_elses_wherever_it_leads(world, tmp_path):
    shelf(world).mkdir()
    outside = tmp_path / "outside"
    outside.write_text(playlist_files.MARK)
    (shelf(world) / "Sample.m3u8").symlink_to(outside)
    write_playlists(world.now)
    assert outside.read_text() == playlist_files.MARK


def test_a_name_that_comes_up_while_we_write_is_not_taken(world):
    (world.root / "new").write_text("a stranger's")
    with pytest.raises(FileExistsError):
        atomic_files.write_new(str(world.root / "new"), b"ours")
    assert (world.root / "new").read_text() == "a stranger's"
    assert [name for name in os.listdir(world.root) if name.endswith(".tmp")] == []


def test_two_collections_of_one_name_get_two_files(world):
    first, second = list(world.tracks.values())[:2]
    collection(world, "Mix", [first], key="37i9dQZF1DX0")
    collection(world, "mix", [second], key="9abcDEF01234")
    write_playlists(world.now)
    assert songs_in(shelf(world) / "Mix.m3u8") == [Path(first.local_path)]
    assert songs_in(shelf(world) / "mix [9abcDEF0].m3u8") == [Path(second.local_path)]


def test_where_a_collection_goes_its_file_goes(world):
    gone = collection(world, "Mix", list(world.tracks.values())[:2])
    off = collection(world, "Off", list(world.tracks.values())[:2])
    write_playlists(world.now)
    gone.delete()
    Collection.objects.filter(pk=off.pk).update(enabled=False)
    assert write_playlists(world.now).removed == 2
    assert os.listdir(shelf(world)) == ["Sample.m3u8"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "AC/DC: <best>?", "CON", "...", "line\nbreak", "x" * 400, "İ"])
def test_a_hostile_name_stays_in_the_folder(world, name):
    Collection.objects.filter(pk=world.collection.pk).update(name=name)
    assert write_playlists(world.now).written == 1
    [made] = os.listdir(shelf(world))
    assert made.endswith(".m3u8")
    assert len(made.encode()) <= 255
    assert len(songs_in(shelf(world) / made)) == 6
    assert write_playlists(world.now).unchanged == 1


def test_a_title_with_a_line_break_makes_no_line_of_its_own(world):
    Track.objects.filter(pk=world.tracks["山田/海/波"].pk).update(title="wave\n/etc/passwd")
    write_playlists(world.now)
    assert len(songs_in(shelf(world) / "Sample.m3u8")) == 6


@pytest.mark.parametrize("harm", ["no marker", "held", "full"])
def test_nothing_is_written_while_the_library_is_not_online(world, settings, harm):
    if harm == "no marker":
        (world.root / ".tonekeep").unlink()
    elif harm == "held":
        hold.begin(6, 6, world.now)
    else:
        settings.MIN_FREE_BYTES = 1 << 60
    report = write_playlists(world.now)
    assert report.problem
    assert not shelf(world).exists()


def test_it_can_be_switched_off_and_on(world, capsys):
    call_command("playlists", "--off")
    with pytest.raises(CommandError, match="switched off"):
        call_command("playlists")
    assert not shelf(world).exists()
    call_command("playlists", "--on")
    assert capsys.readouterr().out.endswith("1 playlists written, 0 unchanged, 0 removed.\n")
    assert Library.load().write_playlists


def test_a_folder_that_cannot_be_used_is_said_in_a_sentence(world):
    shelf(world).write_text("a file where the folder should be")
    report = write_playlists(world.now)
    assert "Playlists is a link or a file, not a folder" in report.problem
    assert shelf(world).read_text() == "a file where the folder should be"
