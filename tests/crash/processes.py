"""Workers as real processes, forked from this warm one: held at a named point, killed there or at any moment."""

from __future__ import annotations

import os
import select
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex

from django.db import connections

from catalog.system import failpoints
from catalog.tracks import transitions

PATIENCE = 120.0  # seconds after which a process that reaches nothing counts as stuck
ORDINARY_END = 0


@dataclass
class Process:
    """A forked worker. ``name``, hexadecimal and of one length for all, begins the token of every claim it makes."""

    pid: int
    name: str
    heard: int
    word: int
    status: int | None = None

    def held(self) -> bool:
        """Wait until it is held at its point; False where it ended without having reached it."""
        if not select.select([self.heard], [], [], PATIENCE)[0]:
            raise AssertionError(f"{self.name} reached nothing within {PATIENCE:.0f} s")
        return bool(os.read(self.heard, 1))

    def let_go(self) -> None:
        os.write(self.word, b"g")

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """Wait for its end: its exit status, or minus the signal that killed it."""
        if self.status is None:
            self.ended(os.waitpid(self.pid, 0)[1])
        assert self.status is not None
        return self.status

    def ended(self, status: int) -> None:
        """It was reaped with this wait status."""
        self.status = os.waitstatus_to_exitcode(status)
        os.close(self.heard)
        os.close(self.word)


class Tokens:
    """In the place of the module ``secrets``: tokens that tell which process claimed."""

    def __init__(self, name: str) -> None:
        self.name = name

    def token_hex(self, size: int) -> str:
        return f"{self.name}{token_hex(size)}"[: 2 * size]


def start(body: Callable[[], object], name: str, *, kill_at: str = "", hold_at: str = "", skip: int = 0) -> Process:
    """Fork a process that runs ``body``; at the point ``kill_at`` it kills itself, at ``hold_at`` it waits.

    ``skip`` is how often the point is passed before it counts. No connection crosses the fork.
    """
    connections.close_all()
    (heard, say), (hear, word) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid:
        os.close(say)
        os.close(hear)
        return Process(pid, name, heard, word)
    status = 1
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _arm(name, kill_at, hold_at, skip, say, hear)
        body()
        status = ORDINARY_END
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)  # nothing of the parent's end may run here


def _arm(name: str, kill_at: str, hold_at: str, skip: int, say: int, hear: int) -> None:
    passed = {"left": skip}

    def reached(point: str) -> None:
        if point not in (kill_at, hold_at) or passed["left"] < 0:
            return
        passed["left"] -= 1
        if passed["left"] >= 0:
            return
        if point == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(say, b"h")
        os.read(hear, 1)

    failpoints.on_failpoint = reached
    transitions.secrets = Tokens(name)  # type: ignore[assignment]
    transitions.RENEW_EVERY = timedelta(hours=1)  # who is held does not renew
