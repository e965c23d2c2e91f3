"""An event only means "look again": settled into one pass, never lost for good, never concluded from."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from watchdog.events import (
    DirMovedEvent,
    FileClosedNoWriteEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileOpenedEvent,
    FileSystemEvent,
)

from catalog.scanning import watcher as module
from catalog.scanning.watcher import AT_THE_LATEST, SETTLED_AFTER, EventDebouncer, WatchOptions, watch

ROOT = "/music"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def settler_at(clock: Clock) -> EventDebouncer:
    return EventDebouncer(ROOT, clock)


# --- Settling ---------------------------------------------------------------------------------------------


def test_without_events_there_is_nothing_to_look_at() -> None:
    assert not settler_at(Clock()).is_settled()


def test_many_events_become_one_look_once_they_have_settled() -> None:
    clock = Clock()
    settler = settler_at(clock)
    for number in range(1000):
        settler.on_any_event(FileCreatedEvent(f"{ROOT}/Artist/{number}.mp3"))
        clock.now += 0.01
    assert not settler.is_settled()
    clock.now += SETTLED_AFTER
    assert settler.is_settled()
    assert not settler.is_settled(), "told once"


def test_events_without_end_are_looked_at_all_the_same() -> None:
    clock = Clock()
    settler = settler_at(clock)
    told = 0
    for _ in range(int(3 * AT_THE_LATEST)):
        settler.look_again()
        clock.now += 1
        told += settler.is_settled()
    assert told == 3


@pytest.mark.parametrize(
    "event",
    [
        FileDeletedEvent(f"{ROOT}/Artist/1.mp3"),
        FileMovedEvent(f"{ROOT}/Artist/1.mp3", f"{ROOT}/Artist/2.mp3"),
        DirMovedEvent(f"{ROOT}/Artist", f"{ROOT}/Other"),
        FileMovedEvent(f"{ROOT}/.incoming/1-a/audio", f"{ROOT}/Artist/1.mp3"),
    ],
)
def test_a_change_of_the_library_is_heard(event: FileSystemEvent) -> None:
    clock = Clock()
    settler = settler_at(clock)
    settler.on_any_event(event)
    clock.now += SETTLED_AFTER
    assert settler.is_settled()


@pytest.mark.parametrize(
    "event",
    [
        FileOpenedEvent(f"{ROOT}/Artist/1.mp3"),
        FileClosedNoWriteEvent(f"{ROOT}/Artist/1.mp3"),
        FileCreatedEvent(f"{ROOT}/.incoming/1-a/audio"),
        FileMovedEvent(f"{ROOT}/.incoming/1-a/audio.part", f"{ROOT}/.incoming/1-a/audio"),
        FileCreatedEvent(f"{ROOT}/.tonekeep-draft"),
    ],
)
def test_reading_and_our_own_stage_are_no_changes(event: FileSystemEvent) -> None:
    clock = Clock()
    settler = settler_at(clock)
    settler.on_any_event(event)
    clock.now += SETTLED_AFTER
    assert not settler.is_settled()


# --- Listening, with the real watchdog --------------------------------------------------------------------


class Listener:
    """`watch` in a thread of its own; ``heard`` is set at every call."""

    def __init__(self, root: Path, mode: str = "auto", fails: int = 0) -> None:
        self.heard, self.stop, self.calls, self.fails = threading.Event(), threading.Event(), 0, fails
        self.mode = mode
        self.thread = threading.Thread(target=watch, args=(str(root), self.options, self.changed, self.stop))
        self.thread.start()

    def options(self) -> WatchOptions:
        return WatchOptions(self.mode)

    def changed(self) -> None:
        self.calls += 1
        self.heard.set()
        if self.calls <= self.fails:
            raise RuntimeError("the database is away")

    def hears(self) -> bool:
        """Whether it is called, since last asked."""
        heard = self.heard.wait(20)
        self.heard.clear()
        return heard

    def close(self) -> None:
        self.stop.set()
        self.thread.join(20)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Real events, small intervals."""
    monkeypatch.setattr(module, "SETTLED_AFTER", 0.05)
    monkeypatch.setattr(module, "LOOK_AT_ROOT_EVERY", 0.2)
    monkeypatch.setattr(module, "POLL_EVERY", 1.2)
    yield


@pytest.mark.usefixtures("quick")
def test_changes_below_the_root_are_heard_and_what_was_before_as_well(tmp_path: Path) -> None:
    (tmp_path / "Artist").mkdir()
    listener = Listener(tmp_path)
    try:
        assert listener.hears(), "what happened before anybody listened"
        (tmp_path / "Artist" / "1.mp3").write_text("a")
        assert listener.hears()
        (tmp_path / "New artist").mkdir()
        assert listener.hears()
        (tmp_path / "New artist" / "2.mp3").write_text("a")
        assert listener.hears(), "in a folder that is younger than the listener"
    finally:
        listener.close()
    assert not listener.thread.is_alive()


@pytest.mark.usefixtures("quick")
def test_a_root_that_goes_and_returns_is_heard(tmp_path: Path) -> None:
    root, away = tmp_path / "music", tmp_path / "away"
    root.mkdir()
    listener = Listener(root)
    try:
        assert listener.hears()
        os.rename(root, away)
        assert listener.hears(), "a pass will find the library offline"
        away.rename(root)
        assert listener.hears()
        (root / "1.mp3").write_text("a")
        assert listener.hears(), "the new root is listened to"
    finally:
        listener.close()


@pytest.mark.usefixtures("quick")
def test_a_root_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    listener = Listener(tmp_path / "music")
    try:
        (tmp_path / "music").mkdir()
        assert listener.hears()
    finally:
        listener.close()


@pytest.mark.usefixtures("quick")
def test_where_events_cannot_be_heard_it_looks_every_so_often(tmp_path: Path) -> None:
    listener = Listener(tmp_path, mode="off")
    try:
        assert not listener.heard.wait(0.3)
        listener.mode = "poll"  # a person changes it on the page
        assert [listener.hears() for _ in range(3)] == [True] * 3
    finally:
        listener.close()


@pytest.mark.usefixtures("quick")
def test_the_limit_of_watches_makes_it_look_every_so_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(module.Observer):  # type: ignore[misc, valid-type]
        def start(self) -> None:
            raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(module, "Observer", Refused)
    listener = Listener(tmp_path)
    try:
        assert [listener.hears() for _ in range(3)] == [True] * 3
    finally:
        listener.close()


@pytest.mark.usefixtures("quick")
def test_a_filesystem_that_tells_nothing_is_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.system.mount_table.read_lines", list)
    listener = Listener(tmp_path)
    try:
        assert [listener.hears() for _ in range(3)] == [True] * 3
    finally:
        listener.close()


@pytest.mark.usefixtures("quick")
def test_an_error_of_whoever_is_told_is_outlived(tmp_path: Path) -> None:
    listener = Listener(tmp_path, fails=1)
    try:
        assert listener.hears()
        (tmp_path / "1.mp3").write_text("a")
        assert listener.hears()
    finally:
        listener.close()
