"""The listener under the process manager: which signals it sends, when. The clock is an argument."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from catalog.system.heartbeat import RESTART, SILENT_AFTER
from config.process import event_listener
from config.process.event_listener import KILL_AFTER, ProcessWatcher, handle, listen

MAIN, OTHER = 4001, 4002

STALE = SILENT_AFTER.total_seconds()


class Signals:
    """Remembers what was sent to whom, and sends nothing."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, int]] = []

    def to_process(self, pid: int, number: int) -> None:
        self.sent.append(("process", pid, number))

    def to_group(self, pid: int, number: int) -> None:
        self.sent.append(("group", pid, number))


@pytest.fixture
def signals() -> Signals:
    return Signals()


@pytest.fixture
def keeper(tmp_path: Path, signals: Signals) -> ProcessWatcher:
    keeper = ProcessWatcher(tmp_path, signals.to_process, signals.to_group, say=lambda sentence: None)
    keeper.see({"jobs": MAIN, "downloads": OTHER})
    for name in ("beat-tonekeep", "beat-downloads"):
        (tmp_path / name).touch()
    return keeper


def beat(keeper: ProcessWatcher, name: str, moment: int) -> None:
    os.utime(keeper.run_dir / name, ns=(moment, moment))


def test_the_group_of_a_program_that_exited_is_killed(keeper: ProcessWatcher, signals: Signals) -> None:
    handle(keeper, "PROCESS_STATE_EXITED", f"processname:jobs groupname:tonekeep pid:{MAIN}", "", 0)
    assert signals.sent == [("group", MAIN, signal.SIGKILL)]
    assert "jobs" not in keeper.pids


def test_a_program_that_died_while_it_started_has_its_group_killed_too(
    keeper: ProcessWatcher, signals: Signals
) -> None:
    handle(keeper, "PROCESS_STATE_BACKOFF", "processname:jobs groupname:tonekeep from_state:STARTING tries:1", "", 0)
    assert signals.sent == [("group", MAIN, signal.SIGKILL)]


def test_a_cluster_that_beats_is_left_alone(keeper: ProcessWatcher, signals: Signals) -> None:
    for minute in range(10):
        beat(keeper, "beat-tonekeep", minute)
        beat(keeper, "beat-downloads", minute)
        keeper.look(minute * 60.0)
    assert signals.sent == []


def test_a_cluster_without_a_heartbeat_for_three_minutes_is_stopped_then_killed(
    keeper: ProcessWatcher, signals: Signals
) -> None:
    for second in range(0, int(STALE) + 1, 5):
        beat(keeper, "beat-downloads", second)
        keeper.look(float(second))
    assert signals.sent == [("process", MAIN, signal.SIGTERM)]
    keeper.look(STALE + KILL_AFTER)
    assert signals.sent[-1] == ("group", MAIN, signal.SIGKILL)


def test_a_clock_set_back_a_year_is_a_heartbeat_like_any_other(keeper: ProcessWatcher, signals: Signals) -> None:
    beat(keeper, "beat-tonekeep", 10**18)
    beat(keeper, "beat-downloads", 10**18)
    keeper.look(0.0)
    beat(keeper, "beat-tonekeep", 10**17)
    beat(keeper, "beat-downloads", 10**17)
    keeper.look(STALE - 1)
    keeper.look(STALE + 60)
    assert signals.sent == []


def test_a_restarted_cluster_gets_three_minutes_of_its_own(keeper: ProcessWatcher, signals: Signals) -> None:
    keeper.look(0.0)
    keeper.see({"jobs": 5001, "downloads": 5002})
    keeper.look(STALE + 1)
    assert signals.sent == []


def test_a_cluster_that_never_beat_is_stopped_as_well(tmp_path: Path, signals: Signals) -> None:
    keeper = ProcessWatcher(tmp_path, signals.to_process, signals.to_group, say=lambda sentence: None)
    keeper.see({"jobs": MAIN})
    keeper.look(0.0)
    keeper.look(STALE)
    assert signals.sent == [("process", MAIN, signal.SIGTERM)]


def test_events_are_read_until_the_manager_is_gone(keeper: ProcessWatcher, signals: Signals) -> None:
    payload = f"processname:jobs groupname:tonekeep from_state:RUNNING expected:0 pid:{MAIN}"
    stdin = io.StringIO(f"ver:3.0 eventname:PROCESS_STATE_EXITED len:{len(payload)}\n{payload}")
    stdout = io.StringIO()
    listen(keeper, "/no/such/socket", stdin, stdout, lambda: 0.0)
    assert signals.sent == [("group", MAIN, signal.SIGKILL)]
    assert stdout.getvalue() == "READY\nRESULT 2\nOKREADY\n"


def test_a_start_that_a_page_asks_for_is_passed_on_once(
    keeper: ProcessWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    server = SimpleNamespace(supervisor=SimpleNamespace(restart=lambda: asked.append("restart")))
    monkeypatch.setattr(event_listener, "_server", lambda control: server)
    handle(keeper, "TICK_5", "when:1", "socket", 0.0)
    assert asked == []
    (keeper.run_dir / RESTART).touch()
    for moment in (5.0, 10.0):
        handle(keeper, "TICK_5", "when:1", "socket", moment)
    assert asked == ["restart"]


def test_nothing_outlives_the_manager(tmp_path: Path) -> None:
    """A real program that ignores SIGTERM, and the real listener, whose stdin ends."""
    stubborn = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"],
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert stubborn.stdout and stubborn.stdout.readline() == "ready\n"
    code = (
        "import config.process.event_listener as l, sys; from pathlib import Path; l.LAST_ORDERS = 0.3;"
        f"k = l.ProcessWatcher(Path(sys.argv[1])); k.see({{'web': {stubborn.pid}}}); l.stop_orphans(k)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=600)
    assert stubborn.wait(timeout=600) == -signal.SIGKILL


def test_a_program_is_asked_to_stop_and_given_its_time_before_anything_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "given back"
    polite = subprocess.Popen(
        ["sh", "-c", f"trap 'sleep 1; touch \"{mark}\"; exit 0' TERM; echo ready; while :; do sleep 0.1; done"],
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert polite.stdout and polite.stdout.readline() == "ready\n"
    code = (
        "import config.process.event_listener as l, sys; from pathlib import Path; l.LAST_ORDERS = 60.0;"
        f"k = l.ProcessWatcher(Path(sys.argv[1])); k.see({{'web': {polite.pid}}}); l.stop_orphans(k)"
    )
    last = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    assert polite.wait(timeout=600) == 0
    assert mark.exists()
    assert last.wait(timeout=600) == 0, "and it goes as soon as nothing is left"
