"""Unknown is not absent: what the guard on the music folder lets happen, and what it does not."""

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.library.reconcile import reconcile
from catalog.models import Event, Folder, Library, Service, Track
from catalog.models.settings import save_settings
from catalog.storage import hold, marker
from catalog.storage import state as storage
from catalog.storage.marker import MARKER
from catalog.storage.probe import RootProbe, RootProblem, call_with_timeout
from tests.world import ROOT_UUID, World

OTHER_UUID = "11111111-2222-4333-8444-555555555555"


def all_rows() -> list[object]:
    """Every row of tracks and folders, and every event."""
    return [*Track.objects.order_by("pk").values(), *Folder.objects.order_by("pk").values(), *Event.objects.values()]


def everything_under(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path.relative_to(folder)), path.lstat().st_size) for path in folder.rglob("*"))


def a_file_in_its_place(world: World) -> None:
    world.root.rename(world.root.with_name("away"))
    world.root.write_text("a file")


def missing(world: World) -> None:
    world.root.rename(world.root.with_name("away"))


def an_empty_mount_point(world: World) -> None:
    world.root.rename(world.root.with_name("away"))
    world.root.mkdir()


def another_library(world: World) -> None:
    an_empty_mount_point(world)
    (world.root / MARKER).write_text(f"{OTHER_UUID}\n")


def a_marker_that_is_gone(world: World) -> None:
    (world.root / MARKER).rename(world.root.with_name("away"))


def a_damaged_marker(world: World) -> None:
    (world.root / MARKER).rename(world.root.with_name("away"))
    (world.root / MARKER).write_bytes(b"\x00\xff\n")


def mended(world: World) -> None:
    """Undo any of the above."""
    away = world.root.with_name("away")
    if away.is_file():
        away.replace(world.root / MARKER)
        return
    if world.root.is_dir():
        shutil.rmtree(world.root)
    world.root.unlink(missing_ok=True)
    away.rename(world.root)


BROKEN = [
    (missing, "is not there"),
    (a_file_in_its_place, "is not a folder"),
    (an_empty_mount_point, "drive is probably not mounted"),
    (another_library, "belongs to another catalog"),
    (a_marker_that_is_gone, "drive is probably not mounted"),
    (a_damaged_marker, "is damaged"),
]
broken = pytest.mark.parametrize(("breaks", "says"), BROKEN, ids=[case[0].__name__ for case in BROKEN])


# --- A library that is not there --------------------------------------------------------------------------


@broken
def test_a_library_that_is_not_there_changes_no_row_and_heals_by_itself(
    world: World, breaks: Callable[[World], None], says: str
) -> None:
    assert reconcile(world.now).complete
    before = all_rows()
    breaks(world)
    under = everything_under(world.root) if world.root.is_dir() else []

    report = reconcile(world.later(hours=1), full=True)

    assert (report.state, report.complete) == ("offline", False)
    assert says in report.problem
    assert all_rows() == before
    assert under == (everything_under(world.root) if world.root.is_dir() else []), "nothing is written there"
    seen = storage.current()
    assert (seen.state, seen.may_write, seen.may_read) == ("offline", False, False)
    assert says in seen.reason

    mended(world)
    assert storage.check(world.later(minutes=1)).state == "online"
    assert reconcile(world.now).complete
    assert [row for row in all_rows() if "wanted" in str(row)] == [row for row in before if "wanted" in str(row)]


@broken
def test_a_library_that_goes_while_it_is_looked_at_changes_no_row(
    world: World, breaks: Callable[[World], None], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.scanning.scan import FolderScanner

    assert reconcile(world.now).complete
    before = all_rows()
    look = FolderScanner.look

    def look_and_break(self: FolderScanner, asks: list, **how: bool) -> list:  # type: ignore[type-arg]
        for track in world.tracks.values():  # the absences are real; that they are the library's is not
            Path(track.local_path).unlink()
        found = look(self, asks, **how)
        breaks(world)
        return found

    monkeypatch.setattr(FolderScanner, "look", look_and_break)
    report = reconcile(world.later(hours=1), full=True)

    assert (report.complete, report.vanished, report.state) == (False, 0, "offline")
    assert all_rows() == before


def test_a_registered_folder_is_never_made_again(world: World, settings: LazySettings) -> None:
    settings.MUSIC_DIR_NAMED = False
    shutil.rmtree(world.root)

    assert storage.check(world.now).state == "offline"
    assert not world.root.exists()


# --- Registration -----------------------------------------------------------------------------------------


def unregistered(world: World) -> None:
    Library.objects.update(root_uuid="", root_path="")
    (world.root / MARKER).unlink()


def test_a_first_meeting_registers_the_folder(world: World) -> None:
    unregistered(world)

    assert storage.check(world.now).state == "online"

    library = Library.load()
    marker = (world.root / MARKER).read_text()
    assert marker.splitlines()[0] == library.root_uuid != ""
    assert library.root_path == str(world.root)
    assert [name for name in os.listdir(world.root) if name.startswith(".tonekeep-")] == [], "no draft is left"


def test_a_marker_that_no_database_knows_is_taken_over(world: World) -> None:
    Library.objects.update(root_uuid="", root_path="")

    assert storage.check(world.now).state == "online"
    assert Library.load().root_uuid == ROOT_UUID


def test_the_marker_that_was_there_first_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    unregistered(world)
    link = os.link

    def a_moment_too_late(source: str, target: str, **_: object) -> None:
        Path(target).write_text(f"{OTHER_UUID}\n")
        link(source, target)

    monkeypatch.setattr("os.link", a_moment_too_late)
    assert storage.check(world.now).state == "online"
    assert Library.load().root_uuid == OTHER_UUID


def test_a_disk_without_hard_links_gets_a_marker_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    unregistered(world)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    assert storage.check(world.now).state == "online"
    assert (world.root / MARKER).read_text().startswith(Library.load().root_uuid)


@pytest.mark.parametrize("named", [True, False])
def test_only_a_folder_that_nobody_named_is_made(world: World, settings: LazySettings, named: bool) -> None:
    unregistered(world)
    shutil.rmtree(world.root)
    settings.MUSIC_DIR_NAMED = named

    assert storage.check(world.now).state == ("offline" if named else "online")
    assert world.root.exists() is not named


def test_rows_that_said_downloaded_before_any_folder_was_registered_are_looked_at(world: World) -> None:
    unregistered(world)
    shutil.rmtree(world.root)
    world.root.mkdir()

    assert reconcile(world.now).vanished == 6
    assert Track.objects.counts()["missing"] == 6
    assert Track.objects.queue(world.now).count() == 6


# --- What a person decides --------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", [an_empty_mount_point, another_library, a_damaged_marker])
def test_a_person_may_accept_another_folder(world: World, breaks: Callable[[World], None]) -> None:
    assert reconcile(world.now).complete
    breaks(world)
    before = list(Track.objects.order_by("pk").values())

    assert storage.accept_root(world.later(hours=1)).state == "online"

    assert list(Track.objects.order_by("pk").values()) == before, "the rows wait for a pass"
    assert not Folder.objects.filter(mtime_ns__isnull=False).exists(), "no stamp of the other folder is believed"
    assert reconcile(world.now).vanished == (0 if breaks is a_damaged_marker else 6)


def test_a_folder_that_is_not_there_cannot_be_accepted(world: World) -> None:
    missing(world)
    with pytest.raises(RootProblem, match="is not there"):
        storage.accept_root(world.now)


def test_a_library_that_moved_is_known_by_its_marker(world: World, settings: LazySettings) -> None:
    moved = world.root.with_name("moved")
    world.root.rename(moved)
    settings.MUSIC_DIR = str(moved)

    assert storage.check(world.now).state == "online"
    assert reconcile(world.now, full=True).vanished == 0


# --- Many files gone at once ------------------------------------------------------------------------------


def forty(world: World) -> list[Path]:
    """Forty more tracks with files, in one folder."""
    made = [world.make_track(f"Song {number}", album="Forty", number=number) for number in range(40)]
    paths = [world.put_file(track) for track in made]
    assert reconcile(world.now).complete
    return paths


def test_many_files_gone_at_once_stop_the_fetching_and_nothing_else(world: World) -> None:
    for path in forty(world):
        path.unlink()

    report = reconcile(world.later(hours=1))

    assert (report.vanished, report.held, report.state) == (40, True, "held")
    assert Track.objects.queue(world.now).count() == 40, "the rows tell the truth at once"
    seen = storage.current()
    assert (seen.state, seen.may_write, seen.may_read) == ("held", False, True)
    assert "40 of 46 files are gone at once" in seen.reason


def test_the_hold_stands_before_the_first_of_many_rows_can_be_claimed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.tracks import transitions

    for path in forty(world):
        path.unlink()
    held: list[bool] = []
    vanish = transitions.vanish

    def watched(*given: object, **named: object) -> int:
        held.append(storage.current().state == "held")
        return vanish(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(transitions, "vanish", watched)
    reconcile(world.later(hours=1))

    assert held and all(held)


def test_twenty_files_gone_need_no_word(world: World) -> None:
    for path in forty(world)[:20]:
        path.unlink()

    report = reconcile(world.later(hours=1))
    assert (report.vanished, report.held, report.state) == (20, False, "online")


def test_a_small_share_of_a_large_library_needs_no_word(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.storage.hold.hold_above", lambda: 2)
    save_settings({"HOLD_PERCENT": "10"})
    paths = forty(world)
    for path in paths[:4]:
        path.unlink()

    report = reconcile(world.later(hours=1))
    assert (report.vanished, report.held, report.state) == (4, False, "online")
    assert Library.load().held_since is None


def test_files_that_come_back_lift_the_hold(world: World) -> None:
    contents = {path: path.read_bytes() for path in forty(world)}
    for path in contents:
        path.unlink()
    assert reconcile(world.later(hours=1)).held
    assert reconcile(world.later(hours=1)).held, "another pass alone does not lift it"
    for path, content in list(contents.items())[:30]:
        path.write_bytes(content)

    report = reconcile(world.later(hours=1))

    assert (report.restored, report.held, report.state) == (30, False, "online")


def test_a_person_may_accept_that_files_are_gone(world: World) -> None:
    for path in forty(world):
        path.unlink()
    assert reconcile(world.later(hours=1)).held

    report = reconcile(world.later(hours=1), accept_missing=True)

    assert (report.held, report.state) == (False, "online")
    assert not reconcile(world.later(hours=1)).held, "it is not asked again"


def test_accepting_in_the_same_pass_needs_no_hold(world: World) -> None:
    for path in forty(world):
        path.unlink()

    report = reconcile(world.later(hours=1), accept_missing=True)
    assert (report.vanished, report.held) == (40, False)


# --- Room and rights --------------------------------------------------------------------------------------


def test_below_the_floor_of_free_space_nothing_is_fetched(world: World, settings: LazySettings) -> None:
    settings.MIN_FREE_BYTES = 10**18

    seen = storage.check(world.now)

    assert (seen.state, seen.may_write, seen.may_read) == ("full", False, True)
    assert "less than 1e+09 GB" in seen.reason
    assert reconcile(world.now).complete
    settings.MIN_FREE_BYTES = 0
    assert storage.check(world.later(seconds=1)).state == "online"


def test_a_folder_that_may_not_be_written_is_read_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)

    seen = storage.check(world.now)

    assert (seen.state, seen.may_write, seen.may_read) == ("readonly", False, True)
    assert reconcile(world.now).complete


def test_a_read_only_folder_cannot_become_the_library(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    unregistered(world)
    before = all_rows()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(marker, "write_new", refuse)
    report = reconcile(world.now)

    assert (report.state, report.complete) == ("readonly", False)
    assert "cannot become the library" in report.problem
    assert all_rows() == before


def test_a_hold_lies_over_a_full_disk(world: World, settings: LazySettings) -> None:
    settings.MIN_FREE_BYTES = 10**18
    storage.check(world.now)
    hold.begin(40, 46, world.now)

    assert storage.current().state == "held"
    hold.release()
    assert storage.current().state == "full"


def test_what_a_worker_met_stands_until_its_pause_ends(world: World) -> None:
    until = world.later(minutes=10)
    Service.objects.filter(pk="storage").update(state="full", reason="The quota is used up.", paused_until=until)

    early = storage.check(until.replace(microsecond=0) - storage.WRITE_EVERY)
    assert (early.state, early.reason) == ("full", "The quota is used up.")
    assert storage.check(world.later(minutes=1)).state == "online"


# --- Pages ------------------------------------------------------------------------------------------------


def test_pages_ask_the_rows_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.check(world.now)

    def hang(*_: object, **__: object) -> None:
        raise AssertionError("a page touched the music folder")

    for name in ("stat", "open", "listdir", "scandir", "statvfs", "access"):
        monkeypatch.setattr(f"os.{name}", hang)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert storage.current().state == "online"
    assert len(queries) == 2


def test_before_the_first_look_nothing_is_claimed_to_be_known(world: World) -> None:
    assert storage.current().state == "offline"
    assert "not been looked at" in storage.current().reason


def test_a_hung_folder_is_offline_and_gets_no_second_visitor() -> None:
    release, visits = threading.Event(), []

    def hang() -> RootProbe:
        visits.append(1)
        release.wait(10)
        return RootProbe()

    first = call_with_timeout(0.01, hang)
    second = call_with_timeout(0.01, hang)
    assert ["has not answered" in sight.problem for sight in (first, second)] == [True, True]
    assert len(visits) == 1

    release.set()
    for thread in threading.enumerate():
        if thread.name == "look-at-storage":
            thread.join(10)
    assert call_with_timeout(10, RootProbe).problem == ""


def test_an_unchanged_state_is_not_written_at_every_look(world: World) -> None:
    storage.check(world.now)
    with CaptureQueriesContext(connection) as queries:
        storage.check(world.later(seconds=5))
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    storage.check(world.later(seconds=10))
    assert Service.objects.get(pk="storage").checked_at == world.now


# --- Failing system calls ---------------------------------------------------------------------------------

CALLS = ("stat", "open", "fstat", "scandir", "listdir", "statvfs")


class FailsAt:
    """Lets the N-th of these system calls fail, whichever it is; calls for the program's own data do not count."""

    def __init__(self, number: int, code: int, patch: pytest.MonkeyPatch) -> None:
        self.left, self.code, self.failed = number, code, ""
        for name in CALLS:
            patch.setattr(f"os.{name}", self._failing(name, getattr(os, name)))

    def _failing(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **named: object) -> object:
            self.left -= "/data" not in str(given[0])
            if self.left == 0 and not self.failed:
                self.failed = name
                raise OSError(self.code, os.strerror(self.code))
            return real(*given, **named)

        return call


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("options", [{}, {"full": True}, {"sizes": True}])
def test_no_failing_system_call_makes_a_file_missing(
    world: World, code: int, options: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reconcile(world.now).complete
    world.later(hours=1)
    if not options:
        Folder.objects.update(mtime_ns=None)  # so that a quick pass lists as well
    number, done = 0, False
    while not done:
        number += 1
        with monkeypatch.context() as patch:
            fault = FailsAt(number, code, patch)
            report = reconcile(world.now, **options)
            done = not fault.failed
        assert Track.objects.counts()["downloaded"] == 6, f"after {fault.failed} failed as call {number}"
        assert (report.vanished, Event.objects.count()) == (0, 0)
        assert report.complete or "Traceback" not in report.problem != ""
    assert number > 10
    assert report.complete and report.unknown == 0


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE])
def test_a_failing_system_call_hides_no_file_that_is_really_gone_for_ever(
    world: World, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reconcile(world.now).complete
    gone = world.tracks["山田/海/波"]
    Path(gone.local_path).unlink()
    for number in range(1, 40):
        with monkeypatch.context() as patch:
            FailsAt(number, code, patch)
            reconcile(world.later(hours=1))
        assert Track.objects.counts()["missing"] in {0, 1}
    assert reconcile(world.later(hours=1)).complete
    assert list(Track.objects.missing()) == [gone]
