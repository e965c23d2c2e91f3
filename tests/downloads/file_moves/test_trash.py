"""Into the dated bin and back: by policy, by a person's undo, through every crash, never over another file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.ingest import removal_policy
from catalog.ingest.collections import remove, set_removal, switch
from catalog.ingest.replace import forget_collections, replace_catalog
from catalog.library.reconcile import reconcile
from catalog.models import BinnedFile, Collection, Entry, Track
from catalog.music.records import CollectionRecord, EntryRecord, TrackRecord
from catalog.system import failpoints
from catalog.system.file_locks import try_lock
from catalog.tracks import wanted
from downloads.file_moves import journaled_move, trash
from downloads.file_moves.trash import process_trash_requests, recover, take_back
from downloads.publishing import link_method
from tests.world import World, publish_by

pytestmark = pytest.mark.django_db

State = BinnedFile.State


class Died(BaseException):
    """A process that ends at once."""


@pytest.fixture
def leaver(world: World) -> Track:
    """A downloaded song that its collection, whose files go to the bin, no longer lists."""
    Collection.objects.update(removal="bin")
    return leave(world, "Maria Ruiz/First Light/Morning")


@pytest.fixture(params=link_method.WAYS)
def method(request, world: World) -> str:
    """Each way in which a disk may put a file in place."""

    publish_by(request.param)
    return request.param


@pytest.fixture
def die_at() -> Iterator:
    """Let the process die at a named point."""

    def die_at(point: str) -> None:
        def on_reach(reached: str) -> None:
            if reached == point:
                raise Died

        failpoints.on_failpoint = on_reach

    yield die_at
    failpoints.on_failpoint = None


def record(tracks: list[Track], **changes) -> CollectionRecord:
    entries = [
        EntryRecord(
            TrackRecord(
                title=track.title,
                artists=tuple(track.artist_names),
                spotify_id=track.spotify_id or "",
                isrc=track.isrc,
                duration_ms=track.duration_ms,
            )
        )
        for track in tracks
    ]
    return CollectionRecord("file", "sample.csv", "Sample", entries, **changes)


def leave(world: World, name: str) -> Track:
    """The collection is read again without this song."""
    track = world.tracks[name]
    replace_catalog([record([one for one in world.tracks.values() if one != track])], world.now)
    track.refresh_from_db()
    assert not track.wanted
    return track


def come_back(world: World) -> None:
    replace_catalog([record(list(world.tracks.values()))], world.now)


def in_bin(world: World) -> list[str]:
    top = world.root / ".bin"
    return sorted(str(path.relative_to(top)) for path in top.rglob("*.mp3"))


def assert_true(world: World, track: Track) -> None:
    """The row names a file that is there, and only that one; a full pass finds nothing to say."""
    track.refresh_from_db()
    assert track.status == "downloaded"
    assert Path(track.local_path).stat().st_size == track.size
    assert len(list(world.root.rglob("*.mp3"))) == 6
    report = reconcile(world.now, full=True, sizes=True)
    assert (report.vanished, report.restored, report.other_size, report.files) == (0, 0, 0, 6)


def test_the_files_of_a_collection_that_a_person_removes_go_as_it_says(world):
    Collection.objects.update(removal="bin")
    track = world.tracks["Ólöf/Hafið/Bára"]
    other = Collection.objects.create(kind="file", key="other", name="Other")
    Entry.objects.create(collection=other, track=track, position=1, digest=1)
    assert remove(Collection.objects.filter(pk=world.collection.pk)) == 1
    assert process_trash_requests(world.now).binned == 5
    assert Path(track.local_path).exists()
    assert len(in_bin(world)) == 5


def test_a_change_of_mind_before_the_move_keeps_the_files(world):
    Collection.objects.update(removal="bin")
    switch(Collection.objects.all(), on=False)
    removal_policy.switched_off()
    assert BinnedFile.objects.filter(state=State.ASKED).count() == 6
    assert set_removal(Collection.objects.all(), Collection.Removal.KEEP) == 1
    assert process_trash_requests(world.now).binned == 0 and in_bin(world) == []


def test_a_song_that_left_goes_to_the_dated_bin_and_is_not_fetched(world, leaver):
    before = Path(leaver.local_path)
    content = before.read_bytes()
    assert process_trash_requests(world.now).binned == 1
    day = f"{world.now:%Y-%m-%d}"
    assert in_bin(world) == [f"{day}/Maria Ruiz/First Light/01 Morning.mp3"]
    assert not before.exists()
    assert_true(world, leaver)
    assert Path(leaver.local_path).read_bytes() == content
    assert not Track.objects.queue(world.now).exists()
    assert leaver.events.first().kind == "move"
    assert process_trash_requests(world.now).binned == 0


def test_by_default_the_file_stays(world):
    track = leave(world, "Maria Ruiz/First Light/Morning")
    process_trash_requests(world.now)
    assert Path(track.local_path).exists()
    assert list(Track.objects.not_wanted()) == [track]
    assert not BinnedFile.objects.exists()


def test_a_song_that_another_collection_wants_stays(world):
    Collection.objects.update(removal="bin")
    other = Collection.objects.create(kind="playlist", key="p", name="P")
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    Entry.objects.create(collection=other, position=1, track=track, digest=1)
    replace_catalog([record([one for one in world.tracks.values() if one != track])], world.now)
    process_trash_requests(world.now)
    assert Path(track.local_path).exists()
    Collection.objects.filter(pk=other.pk).update(enabled=False)  # now nobody does, but this one keeps its files
    wanted.set_wanted()
    process_trash_requests(world.now)
    assert Path(track.local_path).exists()
    Collection.objects.filter(pk=other.pk).update(removal="bin")
    assert process_trash_requests(world.now).binned == 1


def test_a_collection_that_is_gone_takes_its_songs_along(world):
    Collection.objects.update(removal="bin", kind="playlist")
    forget_collections("", [], world.now)
    assert process_trash_requests(world.now).binned == 6
    assert len(in_bin(world)) == 6


def test_an_ignored_song_keeps_its_file(world, leaver):
    wanted.ignore(Track.objects.filter(pk=leaver.pk), world.now)
    assert process_trash_requests(world.now).binned == 0
    assert Path(leaver.local_path).exists()


def test_a_song_that_is_wanted_again_finds_its_file_again(world, leaver, method):
    before = leaver.local_path
    process_trash_requests(world.now)
    come_back(world)
    assert Track.objects.counts()["missing"] == 0
    assert process_trash_requests(world.now).returned == 1
    assert_true(world, leaver)
    assert leaver.local_path == before
    assert in_bin(world) == []
    assert [name for name in os.listdir(world.root / ".bin") if not name.startswith(".")] == []
    assert not BinnedFile.objects.exists()


def test_a_song_issued_again_under_a_new_id_finds_its_file_in_the_bin(world, leaver):
    Track.objects.filter(pk=leaver.pk).update(isrc="GBAYE0000001")
    process_trash_requests(world.now)
    leaver.refresh_from_db()
    again = TrackRecord("Morning (Remastered)", ("Maria Ruiz",), spotify_id="9" * 22, isrc="GBAYE0000001")
    tracks = [one for one in world.tracks.values() if one.pk != leaver.pk]
    listed = record(tracks)
    replace_catalog(
        [CollectionRecord("file", "sample.csv", "Sample", [*listed.entries, EntryRecord(again)])], world.now
    )
    assert Track.objects.count() == 6
    assert process_trash_requests(world.now).returned == 1
    assert_true(world, leaver)
    assert leaver.wanted
    assert not Track.objects.queue(world.now).exists()


def test_what_a_person_takes_back_is_left_alone_until_it_is_wanted_again(world, leaver):
    before = leaver.local_path
    process_trash_requests(world.now)
    assert take_back(day="1999-01-01") == 0
    assert take_back() == 1
    assert process_trash_requests(world.now).returned == 1
    leaver.refresh_from_db()
    assert (leaver.local_path, leaver.wanted) == (before, False)
    assert process_trash_requests(world.now).binned == 0
    come_back(world)
    leave(world, "Maria Ruiz/First Light/Morning")
    assert process_trash_requests(world.now).binned == 1


def test_nothing_is_overwritten_in_the_bin_or_on_the_way_back(world, leaver, method):
    stranger = world.root / ".bin" / f"{world.now:%Y-%m-%d}" / "Maria Ruiz/First Light/01 Morning.mp3"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"a stranger's")
    origin = Path(leaver.local_path)
    process_trash_requests(world.now)
    leaver.refresh_from_db()
    assert leaver.file_name == "01 Morning [bin].mp3"
    origin.write_bytes(b"another stranger's")
    come_back(world)
    process_trash_requests(world.now)
    leaver.refresh_from_db()
    assert leaver.file_name == f"01 Morning [{leaver.spotify_id[:8]}].mp3"
    assert Path(leaver.local_path).stat().st_size == leaver.size
    assert (stranger.read_bytes(), origin.read_bytes()) == (b"a stranger's", b"another stranger's")


def test_folders_on_the_way_in_and_back_have_the_mode_that_other_programs_need(world, leaver, settings):
    settings.MUSIC_UMASK = 0o002
    artist, day = world.root / "Maria Ruiz", world.root / ".bin" / f"{world.now:%Y-%m-%d}"
    before = os.umask(0o022)
    try:
        process_trash_requests(world.now)
        modes = [path.stat().st_mode & 0o777 for path in (day, day / "Maria Ruiz", day / "Maria Ruiz/First Light")]
        artist.rename(world.root / "elsewhere")
        come_back(world)
        process_trash_requests(world.now)
        modes += [path.stat().st_mode & 0o777 for path in (artist, artist / "First Light")]
    finally:
        os.umask(before)
    assert modes == [0o775] * 5


def test_lyrics_and_what_else_bears_the_songs_name_go_with_it_and_come_back(world, leaver, method):
    folder = Path(leaver.local_path).parent
    for name in ("01 Morning.lrc", "01 Morning.jpg", "01 Morning.flac", "01 Morning.live.lrc", "02 Noon.lrc"):
        (folder / name).write_text(name)
    process_trash_requests(world.now)
    binned = world.root / ".bin" / f"{world.now:%Y-%m-%d}" / "Maria Ruiz/First Light"
    assert {path.name for path in binned.iterdir()} == {"01 Morning.mp3", "01 Morning.lrc", "01 Morning.jpg"}
    (folder / "01 Morning.jpg").write_text("another picture")
    come_back(world)
    process_trash_requests(world.now)
    assert (folder / "01 Morning.lrc").read_text() == "01 Morning.lrc"
    assert (folder / "01 Morning.jpg").read_text() == "another picture"
    assert (binned / "01 Morning.jpg").read_text() == "01 Morning.jpg"


def test_a_strangers_trash_folder_is_said_and_nothing_is_moved_there(world, leaver):
    (world.root / ".bin" / "scripts").mkdir(parents=True)
    assert "was not made by Tonekeep" in process_trash_requests(world.now).problem
    assert Path(leaver.local_path).exists()


def test_a_linked_folder_in_the_trash_is_not_followed(world, leaver, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (world.root / ".bin").mkdir()
    (world.root / ".bin" / f"{world.now:%Y-%m-%d}").symlink_to(outside)
    assert process_trash_requests(world.now).left == 1
    assert Path(leaver.local_path).exists() and list(outside.iterdir()) == []


@pytest.mark.parametrize("pass_between", [False, True])
@pytest.mark.parametrize("point", ["bin_noted", "bin_moved", "bin_followed"])
def test_a_crash_on_the_way_in_loses_nothing(world, leaver, method, die_at, point, pass_between):
    die_at(point)
    with pytest.raises(Died):
        process_trash_requests(world.now)
    failpoints.on_failpoint = None
    assert len({path.read_bytes() for path in world.root.rglob("*.mp3")}) == 6
    if pass_between:
        reconcile(world.now, full=True)
    assert recover(world.now).binned == 1
    assert_true(world, leaver)
    assert len(in_bin(world)) == 1


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("point", ["bin_moved", "bin_followed", "companion_linked"])
def test_a_crash_leaves_no_companion_behind(world, leaver, method, die_at, point, back):
    folder, binned = Path(leaver.local_path).parent, world.root / ".bin" / f"{world.now:%Y-%m-%d}"
    for name in ("01 Morning.lrc", "01 Morning.txt"):
        (folder / name).write_text(name)
    if back:
        process_trash_requests(world.now)
        come_back(world)
    die_at(point)
    with pytest.raises(Died):
        process_trash_requests(world.now)
    failpoints.on_failpoint = None
    recover(world.now)
    here, there = (folder, binned / "Maria Ruiz/First Light")[:: -1 if not back else 1]
    assert {path.name for path in here.glob("01 *")} == {"01 Morning.mp3", "01 Morning.lrc", "01 Morning.txt"}
    assert list(there.glob("01 *")) == []


@pytest.mark.parametrize("pass_between", [False, True])
@pytest.mark.parametrize("point", ["bin_moved", "bin_followed"])
def test_a_crash_on_the_way_back_loses_nothing(world, leaver, method, die_at, point, pass_between):
    process_trash_requests(world.now)
    come_back(world)
    die_at(point)
    with pytest.raises(Died):
        process_trash_requests(world.now)
    failpoints.on_failpoint = None
    if pass_between:
        reconcile(world.now, full=True)
    assert recover(world.now).returned == 1
    assert_true(world, leaver)
    assert in_bin(world) == []


def test_a_song_that_is_wanted_again_in_mid_move_stays_where_it_was(world, leaver, method):
    before = Path(leaver.local_path)

    def wanted_again(point: str) -> None:
        if point == "bin_moved":
            failpoints.on_failpoint = None
            come_back(world)

    failpoints.on_failpoint = wanted_again
    report = process_trash_requests(world.now)
    assert (report.binned, report.left) == (0, 1)
    leaver.refresh_from_db()
    assert (leaver.wanted, leaver.status, leaver.local_path) == (True, "downloaded", str(before))
    assert before.exists()
    assert in_bin(world) == []


def test_a_file_that_somebody_took_in_between_is_not_looked_for_for_ever(world, leaver, die_at):
    die_at("bin_noted")
    with pytest.raises(Died):
        process_trash_requests(world.now)
    failpoints.on_failpoint = None
    Path(leaver.local_path).unlink()
    assert recover(world.now).gone == 1
    assert reconcile(world.now).vanished == 1
    assert not BinnedFile.objects.exists()


def test_nothing_moves_offline_or_beside_a_reconcile(world, leaver):
    with try_lock("reconcile"):
        assert process_trash_requests(world.now).problem == trash.BUSY
    (world.root / ".tonekeep").unlink()
    assert "not mounted" in process_trash_requests(world.now).problem
    assert Path(leaver.local_path).exists()
    assert not (world.root / ".bin").exists()


def test_a_disk_that_refuses_leaves_the_file_where_it_is(world, leaver):
    (world.root / ".bin").mkdir()
    (world.root / ".bin" / f"{world.now:%Y-%m-%d}").write_text("a file where the day's folder should be")
    assert process_trash_requests(world.now).left == 1
    assert Path(leaver.local_path).exists()
    assert BinnedFile.objects.get().state in (State.ASKED, State.LEAVING)
    (world.root / ".bin" / f"{world.now:%Y-%m-%d}").unlink()
    assert process_trash_requests(world.now).binned == 1
    assert_true(world, leaver)


def test_the_command_lists_the_bin_and_empties_it_again(world, leaver, capsys):
    call_command("bin", "--json")
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["binned"], [row["title"] for row in said["files"]]) == (1, ["Morning"])
    with pytest.raises(CommandError, match="no such day"):
        call_command("bin", "--undo", "--day", "yesterday")
    call_command("bin", "--undo")
    assert "1 moved back" in capsys.readouterr().out
    assert in_bin(world) == []


def test_on_a_disk_that_numbers_each_name_by_itself_the_old_name_goes_too(world: World, monkeypatch) -> None:
    """mergerfs: two names of one file have two inode numbers."""
    path = world.root / "song.mp3"
    path.write_bytes(b"sound")
    os.link(path, world.root / "other.mp3")
    (world.root / "foreign.mp3").write_bytes(b"noise")
    os.utime(world.root / "foreign.mp3", ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    monkeypatch.setattr(journaled_move.os.path, "samestat", lambda one, other: False)
    journaled_move.remove_name("song.mp3", "foreign.mp3")
    assert path.exists()
    journaled_move.remove_name("song.mp3", "other.mp3")
    assert not path.exists()
    assert (world.root / "other.mp3").read_bytes() == b"sound"
