"""Workers that are killed at any moment, again and again, while they fetch track after track."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from catalog.models import Track
from tests.crash.processes import ORDINARY_END, Process
from tests.crash.workspace import Workspace

AT_ONCE = 3  # workers, on one database and one folder
LIVES = 1.0  # seconds; each worker is killed at a random moment before that, at first
KILLS_FOR_A_TRACK = 2  # lives grow and shrink until so many kills go by for each track that is done
WAITING = 6  # due tracks that are always there
ONE_IN_THE_WAY = 5  # of so many tracks one finds a stranger's file in its place


@dataclass
class Figures:
    """What was done and what was broken. ``kills`` are those that met a living worker."""

    kills: int = 0
    processes: int = 0
    tracks: int = 0
    fetches: int = 0
    recovered: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)


def torture(
    workspace: Workspace, kills: int, dice: random.Random, tell: Callable[[Figures], None] = lambda figures: None
) -> Figures:
    """Kill workers at random moments until ``kills`` of them were met alive, then settle and look at everything.

    What was published is watched all the time: it may not change while others are killed.
    """
    figures, began = Figures(), time.monotonic()
    alive: dict[int, tuple[Process, float]] = {}
    before, lives = len(workspace.published), LIVES
    with _deaths_wake_us():
        while figures.kills < kills:
            while len(alive) < AT_ONCE:
                _provide(workspace, dice)
                process = workspace.start()
                alive[process.pid] = (process, time.monotonic() + dice.uniform(0, lives))
                figures.processes += 1
            victim, deadline = min(alive.values(), key=lambda pair: pair[1])
            if not _died_before(deadline):
                victim.kill()
            figures.kills += _bury(workspace, alive, figures)
            # A busy machine must not let them all die young: where nothing is done nothing can go wrong.
            slow = (len(workspace.published) - before) * KILLS_FOR_A_TRACK < figures.kills
            lives *= 1.02 if slow else 0.98
            tell(figures)
    for process, _ in alive.values():
        process.kill()
        process.end()
    workspace.settle()
    figures.broken += workspace.violations()
    figures.tracks, figures.fetches = len(workspace.tracks), len(workspace.fetches())
    figures.recovered = workspace.recovered()
    figures.seconds = time.monotonic() - began
    return figures


def _provide(workspace: Workspace, dice: random.Random) -> None:
    while Track.objects.filter(status="missing").count() < WAITING:
        track = workspace.track()
        if dice.randrange(ONE_IN_THE_WAY) == 0:
            workspace.put_stranger_in_the_way(track)


def _bury(workspace: Workspace, alive: dict[int, tuple[Process, float]], figures: Figures) -> int:
    """Reap the dead, let their deadlines pass, look at what was published. How many were killed."""
    killed = 0
    for pid in list(alive):
        reaped, status = os.waitpid(pid, os.WNOHANG)
        if not reaped:
            continue
        process, _ = alive.pop(pid)
        process.ended(status)
        if process.status == -signal.SIGKILL:
            killed += 1
        elif process.status != ORDINARY_END:
            figures.broken.append(f"{process.name} broke down by itself: {process.status}")
        workspace.age_claims(process.name)
    figures.broken += workspace.changed()
    workspace.note_published()
    return killed


@contextmanager
def _deaths_wake_us() -> Iterator[None]:
    """Block SIGCHLD, so that it can be waited for."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _died_before(deadline: float) -> bool:
    return signal.sigtimedwait({signal.SIGCHLD}, max(0.0, deadline - time.monotonic())) is not None
