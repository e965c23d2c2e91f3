"""A call in a fork: its result, its end, and that nothing of it stays."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.system.forked_call import CallFailed, call_in_fork, set_title

ON_LINUX = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc here")


class TimeLimit(SystemExit):
    """What django-q2 raises in a worker."""


@pytest.fixture
def _time_limit() -> Iterator[None]:
    def over(*_: object) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGALRM, over)
    yield
    signal.signal(signal.SIGALRM, before)


def test_the_result_comes_from_another_process() -> None:
    assert call_in_fork(lambda: str(os.getpid())) not in ("", str(os.getpid()))


def test_a_long_result_comes_whole() -> None:
    assert call_in_fork(lambda: "é" * 300_000) == "é" * 300_000


def test_what_the_call_changes_stays_with_it() -> None:
    seen: list[int] = []

    def body() -> str:
        seen.append(1)
        return "done"

    assert call_in_fork(body) == "done"
    assert seen == []


def test_a_killed_call_says_so() -> None:
    def body() -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return ""

    with pytest.raises(CallFailed, match="was killed by signal 9"):
        call_in_fork(body)


def test_an_error_of_the_call_is_raised_here(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError, match="by zero"):
        call_in_fork(lambda: str(1 // 0))
    assert capfd.readouterr().err == "", "what is said of it is for the caller to decide"


def test_an_error_that_cannot_be_handed_over_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    class Local(Exception):
        pass

    def body() -> str:
        raise Local

    with pytest.raises(CallFailed, match="ended with status 1"):
        call_in_fork(body)
    assert "Local" in capfd.readouterr().err


def test_a_time_limit_in_the_caller_kills_the_call(_time_limit: None, tmp_path: Path) -> None:
    def body() -> str:
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)
        return ""

    signal.setitimer(signal.ITIMER_REAL, 0.3)
    with pytest.raises(TimeLimit):
        call_in_fork(body)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_call_answers_no_ctrl_c_but_a_stop() -> None:
    def handlers() -> str:
        return f"{signal.getsignal(signal.SIGINT)!r} {signal.getsignal(signal.SIGTERM)!r}"

    assert call_in_fork(handlers) == f"{signal.SIG_IGN!r} {signal.SIG_DFL!r}"


def test_no_descriptor_is_left() -> None:
    before = len(os.listdir("/dev/fd"))
    call_in_fork(lambda: "done")
    assert len(os.listdir("/dev/fd")) == before


@ON_LINUX
def test_a_title_is_shown_in_place_of_the_command_line() -> None:
    def shown() -> str:
        return Path("/proc/self/cmdline").read_text()

    assert call_in_fork(shown, "manage.py tick") == "manage.py tick\0"


@ON_LINUX
def test_a_title_is_cut_to_the_room_there_is() -> None:
    room = len(Path("/proc/self/cmdline").read_bytes())

    def shown() -> str:
        set_title("x" * 10_000)
        return Path("/proc/self/cmdline").read_text() + Path("/proc/self/environ").read_text()

    assert call_in_fork(shown) == "x" * (room - 2) + "\0" + Path("/proc/self/environ").read_text()
