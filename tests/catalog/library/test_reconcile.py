"""What a pass finds on the disk, and what it leaves alone."""

import errno
import itertools
import os
import shutil
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog.library.reconcile import reconcile
from catalog.models import Event, Folder, Library, Run, Track
from catalog.system.file_locks import try_lock
from catalog.text.user_error import UserError
from tests.world import World

pytestmark = pytest.mark.usefixtures("trusted_filesystem")

MORNING = "Maria Ruiz/First Light/Morning"
NOON = "Maria Ruiz/First Light/Noon"


def settled(world: World) -> None:
    """Every folder stamped, as after a first pass."""
    assert reconcile(world.now).complete
    world.later(hours=1)


def file_of(track: Track) -> Path:
    track.refresh_from_db()
    return Path(track.local_path)


def states(world: World) -> dict[str, str]:
    return {name: world.status_of(track) for name, track in world.tracks.items()}


def all_rows() -> list[object]:
    """Everything that reconcile could write of tracks and folders."""
    return [*Track.objects.order_by("pk").values(), *Folder.objects.order_by("pk").values()]


# --- What is there and what is gone -----------------------------------------------------------------------


@pytest.mark.parametrize("full", [False, True])
def test_a_vanished_file_makes_its_track_missing_and_due(world: World, full: bool) -> None:
    settled(world)
    track = world.tracks[MORNING]
    path = file_of(track)
    path.unlink()

    report = reconcile(world.now, full=full)

    track.refresh_from_db()
    assert (report.vanished, track.status, track.attempts, track.retry_after) == (1, "missing", 0, world.now)
    assert (track.local_path, track.size is not None) == (str(path), True), "the last known place stays"
    assert list(Track.objects.queue(world.now)) == [track]
    assert [event.kind for event in track.events.all()] == [Event.Kind.VANISH]
    assert report.vanished_examples == ["Maria Ruiz/First Light/01 Morning.mp3"]
    assert report.files == 5


@pytest.mark.parametrize("full", [False, True])
def test_a_vanished_folder_takes_all_its_files_with_it(world: World, full: bool) -> None:
    settled(world)
    shutil.rmtree(world.root / "Maria Ruiz")

    assert reconcile(world.now, full=full).vanished == 3
    assert sorted(set(states(world).values())) == ["downloaded", "missing"]
    assert reconcile(world.later(hours=1), full=full).vanished == 0


@pytest.mark.parametrize("full", [False, True])
def test_a_renamed_file_is_gone_from_its_place(world: World, full: bool) -> None:
    settled(world)
    path = file_of(world.tracks[MORNING])
    path.rename(path.with_name("Another name.mp3"))

    assert reconcile(world.now, full=full).vanished == 1
    assert world.status_of(world.tracks[MORNING]) == "missing"


@pytest.mark.parametrize("full", [False, True])
def test_a_file_that_is_back_with_its_size_is_downloaded_again(world: World, full: bool) -> None:
    settled(world)
    track = world.tracks[MORNING]
    path = file_of(track)
    content = path.read_bytes()
    path.unlink()
    reconcile(world.now)
    Track.objects.filter(pk=track.pk).update(attempts=3, last_error="no match", error_kind="no_match")
    path.write_bytes(content)

    report = reconcile(world.later(hours=1), full=full)

    track.refresh_from_db()
    assert (report.restored, track.status, track.attempts, track.last_error) == (1, "downloaded", 0, "")
    assert track.last_seen == world.now
    assert [event.kind for event in track.events.all()] == [Event.Kind.RESTORE, Event.Kind.VANISH]


@pytest.mark.parametrize("full", [False, True])
def test_a_file_that_is_back_with_another_size_is_listed_and_not_touched(world: World, full: bool) -> None:
    settled(world)
    track = world.tracks[MORNING]
    path = file_of(track)
    path.unlink()
    reconcile(world.now)
    path.write_bytes(b"something else")

    report = reconcile(world.later(hours=1), full=full)

    assert (report.restored, report.other_size) == (0, 1)
    assert report.other_size_examples == ["Maria Ruiz/First Light/01 Morning.mp3"]
    assert world.status_of(track) == "missing"
    assert path.read_bytes() == b"something else"


@pytest.mark.parametrize("full", [False, True])
def test_a_folder_in_the_place_of_a_file_is_no_file(world: World, full: bool) -> None:
    settled(world)
    path = file_of(world.tracks[MORNING])
    path.unlink()
    path.mkdir()

    assert reconcile(world.now, full=full).vanished == 1


def test_files_that_nobody_knows_are_left_alone(world: World) -> None:
    settled(world)
    stranger = world.root / "Maria Ruiz" / "First Light" / "cover.jpg"
    stranger.write_bytes(b"picture")

    report = reconcile(world.now, full=True)

    assert (report.vanished, report.restored, report.files) == (0, 0, 6)
    assert stranger.read_bytes() == b"picture"


def test_a_track_that_a_worker_holds_is_not_touched(world: World) -> None:
    settled(world)
    track = world.tracks[MORNING]
    file_of(track).unlink()
    claimed = {"claim": "a" * 32, "claim_until": world.now + timedelta(minutes=2)}
    Track.objects.filter(pk=track.pk).update(status="downloading", **claimed)

    report = reconcile(world.now, full=True)

    assert (report.vanished, world.status_of(track)) == (0, "downloading")


def test_a_file_in_the_root_itself_is_seen(world: World) -> None:
    track = world.make_track("Loose")
    path = world.put_file(track, relative="Loose.mp3")
    settled(world)
    path.unlink()

    assert reconcile(world.now).vanished == 1
    assert world.status_of(track) == "missing"


def test_the_last_pass_that_saw_a_file_is_when_it_was_last_seen(world: World) -> None:
    settled(world)
    seen = Library.load().last_pass
    assert reconcile(world.now).complete
    last = Library.load().last_pass
    assert last is not None and seen is not None and last > seen
    file_of(world.tracks[MORNING]).unlink()
    Track.objects.filter(pk=world.tracks[NOON].pk).update(last_seen=None)
    file_of(world.tracks[NOON]).unlink()

    reconcile(world.later(hours=1))

    assert [Track.objects.get(pk=world.tracks[name].pk).last_seen for name in (MORNING, NOON)] == [last, last]


# --- What costs nothing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("full", [False, True])
def test_an_unchanged_library_costs_no_writes(world: World, full: bool) -> None:
    settled(world)
    before = all_rows()

    report = reconcile(world.now, full=full)

    assert (report.rows_changed, all_rows() == before) == (0, True)
    assert (report.listed, report.folders) == (4 if full else 0, 4)
    library = Library.load()
    assert library.last_pass is not None and library.last_pass >= world.now
    assert (library.last_full_pass is not None) == full


def test_only_the_folder_that_changed_is_listed(world: World) -> None:
    settled(world)
    file_of(world.tracks[MORNING]).unlink()

    assert reconcile(world.now).listed == 1


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(world: World) -> None:
    settled(world)
    file_of(world.tracks[MORNING]).unlink()
    before, runs, library = all_rows(), Run.objects.count(), Library.objects.values().get()

    report = reconcile(world.later(hours=1), dry_run=True)

    assert (report.vanished, report.dry_run) == (1, True)
    assert (all_rows(), Run.objects.count(), Library.objects.values().get()) == (before, runs, library)
    assert not Event.objects.exists()
    assert "would be missing" in report.sentence()


# --- Parts, progress, stops -------------------------------------------------------------------------------


def test_a_pass_over_a_collection_looks_at_its_folders_alone(world: World) -> None:
    settled(world)
    inside, outside = world.tracks[MORNING], world.tracks["山田/海/波"]
    world.collection.entries.exclude(track=inside).delete()
    last_pass = Library.load().last_pass
    for track in (inside, outside):
        file_of(track).unlink()

    report = reconcile(world.later(hours=1), collection="Sample")

    assert (report.vanished, world.status_of(inside), world.status_of(outside)) == (1, "missing", "downloaded")
    assert Library.load().last_pass == last_pass, "a part is no pass over the library"


def test_a_collection_that_is_not_there_is_said_so(world: World) -> None:
    with pytest.raises(UserError, match="no collection called 'Nope'"):
        reconcile(world.now, collection="Nope")


def test_a_pass_over_a_path_looks_at_it_and_below(world: World) -> None:
    settled(world)
    for track in world.tracks.values():
        file_of(track).unlink()

    assert reconcile(world.now, paths=["Maria Ruiz/"]).vanished == 3
    assert reconcile(world.now, paths=["Maria"]).vanished == 0, "a name is not a prefix"
    assert reconcile(world.now, paths=[""]).vanished == 3


def test_a_second_pass_at_the_same_time_returns_at_once(world: World) -> None:
    file_of(world.tracks[MORNING]).unlink()
    with try_lock("reconcile") as mine:
        assert mine
        report = reconcile(world.now)

    assert (report.busy, report.vanished, Run.objects.count()) == (True, 0, 0)
    assert "is being scanned already" in report.sentence()


def test_progress_is_told_up_to_the_end(world: World) -> None:
    told: list[tuple[int, int]] = []

    reconcile(world.now, on_progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (4, 4)


def test_a_full_pass_that_was_stopped_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.scanning.folder_index.CHUNK", 1)  # one folder at a time
    settled(world)
    asked = itertools.count(1)

    stopped = reconcile(world.now, full=True, should_stop=lambda: next(asked) == 2)
    assert (stopped.complete, stopped.folders) == (False, 2)
    assert Library.load().last_full_pass is None
    went_on = reconcile(world.later(minutes=1), full=True)
    assert (went_on.complete, went_on.folders) == (True, 2)
    assert reconcile(world.later(minutes=1), full=True).folders == 4, "a pass that ended is not gone on with"


def test_a_stopped_pass_of_long_ago_is_not_gone_on_with(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.scanning.folder_index.CHUNK", 1)
    reconcile(world.now, full=True, should_stop=lambda: True)

    assert reconcile(world.later(days=2), full=True).folders == 4


def test_a_run_tells_how_it_ended(world: World) -> None:
    file_of(world.tracks[MORNING]).unlink()
    reconcile(world.now)
    run = Run.objects.get()

    assert (run.ok, run.done, run.total, run.report["vanished"], run.problem) == (True, 4, 4, 1, "")
    assert run.ended_at is not None and run.ended_at >= run.started_at


def test_a_pass_that_dies_says_so_and_leaves_the_lock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise RuntimeError("no more")

    with monkeypatch.context() as patch:
        patch.setattr("catalog.scanning.scan.FolderScanner.changed", die)
        with pytest.raises(RuntimeError):
            reconcile(world.now)
    run = Run.objects.get()
    assert (run.ok, run.problem) == (False, "The pass was cut short by RuntimeError.")
    assert reconcile(world.now).complete


# --- Unknown is not absent --------------------------------------------------------------------------------


class Shut:
    """Makes one folder unreadable, for root too."""

    def __init__(self, path: str, patch: pytest.MonkeyPatch) -> None:
        self.path, self.real_open, self.real_stat = path, os.open, os.stat
        patch.setattr("os.open", self.open)
        patch.setattr("os.stat", self.stat)

    def open(self, path: Any, *given: Any, **named: Any) -> int:
        self._refuse(path)
        return self.real_open(path, *given, **named)

    def stat(self, path: Any, *given: Any, **named: Any) -> os.stat_result:
        self._refuse(path)
        return self.real_stat(path, *given, **named)

    def _refuse(self, path: Any) -> None:
        if path == self.path:
            raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize("full", [False, True])
def test_an_unreadable_folder_leaves_only_its_own_rows_unknown(
    world: World, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(world)
    shutil.rmtree(world.root / "Maria Ruiz")
    with monkeypatch.context() as patch:
        Shut("Maria Ruiz/First Light", patch)
        report = reconcile(world.now, full=full)

    assert (report.unknown, report.vanished, report.complete) == (1, 1, True)
    assert report.unknown_examples == ["Maria Ruiz/First Light: Permission denied"]
    assert [world.status_of(world.tracks[name]) for name in (MORNING, NOON)] == ["downloaded"] * 2
    assert reconcile(world.later(hours=1), full=full).vanished == 2, "once it can be read, it is believed"


def test_files_of_a_folder_that_could_not_be_read_were_last_seen_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(world)
    assert reconcile(world.now).complete
    last = Library.load().last_pass
    with monkeypatch.context() as patch:
        Shut("Maria Ruiz/First Light", patch)
        assert reconcile(world.later(hours=1)).rows_changed == 1
        assert reconcile(world.later(hours=1)).rows_changed == 0, "that it is unreadable is written down once"
    file_of(world.tracks[MORNING]).unlink()

    reconcile(world.later(hours=1))

    assert Track.objects.get(pk=world.tracks[MORNING].pk).last_seen == last


def test_a_single_unreadable_file_stands_as_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(world)
    path = file_of(world.tracks[MORNING])
    path.rename(path.with_name("aside"))
    with monkeypatch.context() as patch:
        Shut(path.name, patch)
        report = reconcile(world.now)

    assert (report.unknown, report.vanished) == (1, 0)
    assert report.unknown_examples == ["Maria Ruiz/First Light/01 Morning.mp3"]
    assert reconcile(world.later(hours=1)).vanished == 1, "its folder gets no stamp before all is known"


# --- Names that one disk writes as another does not -------------------------------------------------------


def test_a_name_that_the_disk_spells_otherwise_is_the_same_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(world)
    path = file_of(world.tracks["Ólöf/Hafið/Bára"])
    spelt = unicodedata.normalize("NFD", path.name)
    path.rename(path.with_name(spelt))
    stat = os.stat

    def forgiving(name: Any, *given: Any, **named: Any) -> os.stat_result:
        return stat(spelt if name == path.name else name, *given, **named)

    assert spelt != path.name
    with monkeypatch.context() as patch:
        patch.setattr("os.stat", forgiving)  # as macOS and Windows shares find it under both spellings
        assert reconcile(world.now, full=True).vanished == 0
    assert reconcile(world.later(hours=1)).vanished == 1, "on a disk that tells them apart it is another file"
