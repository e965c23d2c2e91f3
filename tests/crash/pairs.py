"""Two workers on one track, each held at a named point until its deadline has passed, then both go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.models import Track
from catalog.system.failpoints import POINTS
from downloads.publishing import link_method
from tests.crash.processes import ORDINARY_END, Process
from tests.crash.workspace import Workspace

OF_RECOVERY = ("recovering", "fenced", "recovered")
IN_PLACE = ("linked", "folder_synced", "finished", "cleaned")  # nobody who comes after these has to fetch


@dataclass(frozen=True)
class Pair:
    """``first`` is held at one point, then ``second`` at another. ``third``: a third worker does all meanwhile."""

    first: str
    second: str
    second_goes_first: bool = False
    third: bool = False

    def __str__(self) -> str:
        order = "second-first" if self.second_goes_first else "first-first"
        return f"{self.first}-{self.second}-{order}{'-third' * self.third}"


def all_pairs() -> Iterator[Pair]:
    """Every point with every point, in both orders, with and without a third worker."""
    for first in POINTS:
        for second in POINTS:
            for second_goes_first in (False, True):
                for third in (False, True):
                    yield Pair(first, second, second_goes_first, third)


def play(workspace: Workspace, pair: Pair) -> tuple[list[str], bool]:
    """What was broken, and whether both workers were held in their places at once."""
    track = _prepare(workspace, pair)
    before = workspace.fetched(track)
    first = workspace.start(workspace.recover if pair.first in OF_RECOVERY else None, hold_at=pair.first)
    held = {first.name: first.held()}  # not every point lies on every way
    workspace.age_claims()
    second = workspace.start(hold_at=pair.second)
    held[second.name] = second.held()
    workspace.age_claims()
    broken = []
    if pair.third and workspace.run() != ORDINARY_END:
        broken.append("the third worker broke down")
    for process in (second, first) if pair.second_goes_first else (first, second):
        if not _goes_on(process, held[process.name]):
            broken.append(f"{process.name} broke down")
    workspace.settle()
    broken += workspace.violations(late=True)
    by_first = "adopted" not in (pair.first, pair.second)  # else its file was there already
    if held[first.name] and pair.first in IN_PLACE and workspace.fetched(track) != before + by_first:
        broken.append("the track was fetched again after its file was in place")
    return broken, all(held.values())


def _goes_on(process: Process, held: bool) -> bool:
    if held:
        process.let_go()
    return process.end() == ORDINARY_END


def _prepare(workspace: Workspace, pair: Pair) -> Track:
    """A track to fetch, and what must be there for a worker to come by the first's point."""
    track = workspace.track()
    if "placeholder" in (pair.first, pair.second):
        workspace.publish_by(link_method.PLACEHOLDER)
    if "adopted" in (pair.first, pair.second):
        workspace.settle()
        workspace.forget_place(track)
    elif pair.first in OF_RECOVERY:
        workspace.run(kill_at="reserved")
        workspace.age_claims()
        return track
    if pair.first in OF_RECOVERY:
        workspace.run(kill_at="adopted")
        workspace.age_claims()
    return track
