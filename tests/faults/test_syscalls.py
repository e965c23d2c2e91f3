"""Each system call of a fetch, a publication, a recovery and a sweep fails once, in every way that a disk can fail."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from catalog.models import Service, Track
from catalog.tracks import transitions
from downloads.failures import clock_skew
from downloads.failures.kinds import ERROR_KINDS
from downloads.publishing import link_method
from downloads.worker import attempt, loop, rescue
from tests.crash.workspace import Workspace
from tests.faults.faults import DISK, FailsAt

pytestmark = pytest.mark.long

SHARED = {"ENOSPC": "disk_full", "EDQUOT": "disk_full", "EROFS": "read_only", "EIO": "storage", "ESTALE": "storage"}
Status = Track.Status


def fail_in_turn(
    workspace: Workspace,
    code: int,
    operation: Callable[[], object],
    after: Callable[[str, Track], None],
    prepare: Callable[[Track], None] = lambda track: None,
) -> Counter[str]:
    """Let the first call fail, then on a fresh track the second, and so on until none is left to fail; which did.

    After each round the disk is well again, a worker comes by, and nothing may be amiss.
    """
    failed: Counter[str] = Counter()
    for number in range(1, 500):
        track = workspace.track()
        prepare(track)
        with pytest.MonkeyPatch.context() as patch:
            fault = FailsAt(str(workspace.root), number, code, patch)
            operation()
        if not fault.failed:
            return failed
        failed[fault.failed] += 1
        what = f"{fault.failed} as call {number}"
        track.refresh_from_db()
        assert workspace.changed() == [] and counters_add_up(), what
        after(what, track)
        heal(workspace)
        assert workspace.violations() == [], what
        forget(workspace, track)
    raise AssertionError("it never ends")


def heal(workspace: Workspace) -> None:
    """The disk is well again, pauses and cooldowns are over, deadlines have passed; a worker comes by."""
    Service.objects.update(paused_until=None, strikes=0)
    workspace.age_claims()
    workspace.recover()
    while loop.work_one(now=lambda: workspace.world.now) is not None:
        pass
    workspace.recover()


def forget(workspace: Workspace, track: Track) -> None:
    """Back to where it began, so that each round makes the same calls."""
    track.refresh_from_db()
    os.unlink(track.local_path)
    for path in workspace.strangers:
        os.unlink(path)
    os.removedirs(os.path.dirname(track.local_path))
    track.delete()
    workspace.tracks.clear()
    workspace.strangers.clear()


def counters_add_up() -> bool:
    counts = Track.objects.counts()
    recount = Counter(Track.objects.filter(wanted=True).values_list("status", flat=True))
    return all(counts[name] == recount[name] for name in Status.values) and counts["songs"] == sum(recount.values())


class Attempts:
    """A worker's attempts, and what must be true of each that met a failing disk."""

    def __init__(self, workspace: Workspace, fault: str) -> None:
        self.now, self.fault = lambda: workspace.world.now, fault
        self.outcome: attempt.Outcome | None = None

    def run(self) -> None:
        self.outcome = loop.work_one(now=self.now)

    def judge(self, what: str, row: Track) -> None:
        if row.status == Status.MISSING:
            assert (row.local_path, row.reserved) == ("", False), what
        if not self.outcome or not self.outcome.error_kind:
            return
        said = self.outcome.message
        assert said.endswith((".", ")")) and "An error of the program" not in said, f"{what}: {said}"
        if self.fault in SHARED:
            assert (row.attempts, row.last_error) == (0, ""), f"{what} is not the track's fault: {said}"
            assert ERROR_KINDS[self.outcome.error_kind].service == "storage", f"{what}: {said}"
            assert Service.objects.get(name="storage").reason, what


@pytest.mark.parametrize("fault", sorted(DISK))
def test_a_call_that_fails_in_an_attempt_costs_no_file_no_counter_and_no_attempt(
    workspace: Workspace, fault: str, proven: None
) -> None:
    """EACCES may cost an attempt: one folder's rights are not everybody's disk."""
    attempts = Attempts(workspace, fault)
    failed = fail_in_turn(workspace, DISK[fault], attempts.run, attempts.judge)
    assert {"link", "mkdir", "chmod", "fsync", "rmdir", "unlink", "stat", "open"} <= set(failed)


@pytest.mark.parametrize("fault", ["EIO", "ENOSPC"])
def test_a_call_that_fails_around_the_child_process_costs_as_little(
    workspace: Workspace, fault: str, proven: None, fetching: None
) -> None:
    attempts = Attempts(workspace, fault)
    failed = fail_in_turn(workspace, DISK[fault], attempts.run, attempts.judge, workspace.put_stranger_in_the_way)
    assert {"listdir", "lstat"} <= set(failed)


@pytest.mark.parametrize("method", [link_method.RENAME, link_method.PLACEHOLDER])
@pytest.mark.parametrize("fault", ["EIO", "ENOSPC"])
def test_a_call_that_fails_on_a_disk_without_links_costs_as_little(
    workspace: Workspace, fault: str, method: str, proven: None
) -> None:
    attempts = Attempts(workspace, fault)
    failed = fail_in_turn(
        workspace, DISK[fault], attempts.run, attempts.judge, lambda track: workspace.publish_by(method)
    )
    assert ("replace" in failed) == (method == link_method.PLACEHOLDER)


@pytest.mark.parametrize("left_at", ["reserved", "linked"])
@pytest.mark.parametrize("fault", ["EACCES", "EIO", "ENOSPC"])
def test_a_call_that_fails_in_recovery_and_sweep_is_made_good_by_the_next(
    workspace: Workspace, fault: str, left_at: str, proven: None
) -> None:
    def prepare(track: Track) -> None:
        abandon(track, left_at, workspace)
        workspace.age_claims()

    def after(what: str, track: Track) -> None:
        assert track.status != Status.MISSING or left_at == "reserved", f"{what}: what was published is given up"

    failed = fail_in_turn(workspace, DISK[fault], lambda: rescue.recover(workspace.world.now), after, prepare)
    assert {"rmdir", "unlink", "scandir"} <= set(failed)
    assert len(workspace.fetches()) == sum(failed.values()) * (2 if left_at == "reserved" else 1) + 1


class Abandoned(BaseException):
    """The worker is gone in an instant: nothing that it would still do is done."""


def abandon(track: Track, point: str, workspace: Workspace) -> None:
    """A worker gets as far as ``point`` and is never heard of again."""

    def leave(reached: str) -> None:
        if reached == point:
            raise Abandoned

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Abandoned):
        patch.setattr("catalog.system.failpoints.on_failpoint", leave)
        loop.work_one(now=lambda: workspace.world.now)
    assert Track.objects.get(pk=track.pk).reserved


def test_a_full_disk_costs_four_thousand_due_tracks_no_attempt(
    workspace: Workspace, proven: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workspace.track()
    Track.objects.bulk_create(
        Track(title=f"{n}", identity=f"{n}", wanted=True, retry_after=workspace.world.now) for n in range(4000)
    )
    monkeypatch.setattr(os, "link", full)
    outcomes = [loop.work_one(now=lambda: workspace.world.now) for _ in range(20)]
    assert [outcome and outcome.error_kind for outcome in outcomes] == ["disk_full", *[None] * 19]
    service = Service.objects.get(name="storage")
    assert (service.state, service.paused_until) == ("full", workspace.world.now + clock_skew.FULL_DISK_PAUSE)
    assert "disk is full" in service.reason.lower()
    assert not Track.objects.exclude(attempts=0).exists()
    assert not Track.objects.exclude(last_error="").exists()
    monkeypatch.undo()
    workspace.world.later(minutes=6)
    assert Track.objects.queue(workspace.world.now).count() == 4001
    assert transitions.claim_one(first.pk, workspace.world.now) is not None


def full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_disk_that_stays_full_is_asked_twelve_times_an_hour_and_no_more(
    workspace: Workspace, proven: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        workspace.track()
    monkeypatch.setattr(os, "link", full)
    began = workspace.world.now
    asked = 0
    while workspace.world.now < began + timedelta(hours=1):
        asked += loop.work_one(now=lambda: workspace.world.now) is not None
        workspace.world.later(seconds=20)
    assert 10 <= asked <= 12
    assert not Track.objects.exclude(attempts=0).exists()
