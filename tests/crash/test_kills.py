"""A worker is killed at each named point; another comes after its deadline. Nothing lost, stuck or fetched twice."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest

from catalog.models import Track
from catalog.system.failpoints import POINTS
from downloads.publishing import link_method
from downloads.worker import rescue
from tests.crash.processes import ORDINARY_END
from tests.crash.workspace import Workspace

pytestmark = pytest.mark.long

KILLED = -signal.SIGKILL
OF_RECOVERY = ("recovering", "fenced", "recovered")
ELSEWHERE = ("adopted", "placeholder", "copied")  # a first fetch on a good disk does not come by
OF_WORK = [point for point in POINTS if point not in (*OF_RECOVERY, *ELSEWHERE)]
BEFORE_THE_FETCH = ("claimed", "adopting", "staged")
PUBLISHED = ("linked", "folder_synced", "finished", "cleaned")


def fetches_allowed(point: str) -> int:
    """A worker that died after its fetch and before its file was in place has fetched for nothing, else nobody."""
    return 1 if point in BEFORE_THE_FETCH or point in PUBLISHED else 2


@pytest.mark.parametrize("point", OF_WORK)
def test_a_worker_killed_at_any_point_costs_nothing(workspace: Workspace, point: str):
    track = workspace.track()
    workspace.put_stranger_in_the_way(track)
    assert workspace.run(kill_at=point) == KILLED
    assert workspace.changed() == []
    workspace.settle()
    assert workspace.violations() == []
    assert workspace.fetched(track) == fetches_allowed(point)


@pytest.mark.parametrize(
    ("method", "point"),
    [
        (link_method.RENAME, "reserved"),
        (link_method.RENAME, "linked"),
        (link_method.PLACEHOLDER, "reserved"),
        (link_method.PLACEHOLDER, "placeholder"),
        (link_method.PLACEHOLDER, "linked"),
        (link_method.COPY, "staged"),
        (link_method.COPY, "reserved"),
        (link_method.COPY, "placeholder"),
        (link_method.COPY, "copied"),
        (link_method.COPY, "linked"),
    ],
)
def test_a_disk_without_hard_links_is_as_safe(workspace: Workspace, method: str, point: str):
    track = workspace.track()
    workspace.put_stranger_in_the_way(track)
    workspace.publish_by(method)
    assert workspace.run(kill_at=point) == KILLED
    workspace.settle()
    assert workspace.violations() == []
    assert workspace.fetched(track) == fetches_allowed(point)


@pytest.mark.parametrize("left_by", ["fetched", "reserved", "linked"])
@pytest.mark.parametrize("point", OF_RECOVERY)
def test_a_recovery_killed_at_any_point_is_done_by_the_next(workspace: Workspace, left_by: str, point: str):
    track = workspace.track()
    assert workspace.run(kill_at=left_by) == KILLED
    workspace.age_claims()
    assert workspace.run(workspace.recover, kill_at=point) == KILLED
    workspace.settle()
    assert workspace.violations() == []
    assert workspace.fetched(track) == fetches_allowed(left_by)


def test_a_strangers_file_of_the_reserved_size_is_not_taken_for_ours(workspace: Workspace):
    track = workspace.track()
    assert workspace.run(kill_at="reserved") == KILLED
    row = Track.objects.get(pk=track.pk)
    assert row.size
    workspace.put_stranger(row.local_path, b"x" * row.size)
    workspace.settle()
    assert workspace.violations() == []
    assert Track.objects.get(pk=track.pk).local_path != row.local_path


def test_a_worker_killed_while_it_adopts_adopts_again(workspace: Workspace):
    track = workspace.track(spotify_id=None)  # known by our own key alone
    workspace.settle()
    row = Track.objects.get(pk=track.pk)
    workspace.forget_place(track)
    assert workspace.run(kill_at="adopted") == KILLED
    assert Track.objects.get(pk=track.pk).reserved
    workspace.settle()
    assert workspace.violations() == []
    assert Track.objects.get(pk=track.pk).local_path == row.local_path
    assert workspace.fetched(track) == 1


def test_a_track_that_kills_its_worker_each_time_cools_down_and_the_others_go_on(workspace: Workspace):
    deadly, *others = [workspace.track() for _ in range(3)]
    rests = []
    for _ in range(3):
        Track.objects.filter(pk=deadly.pk).update(retry_after=workspace.world.now - timedelta(hours=1))
        assert workspace.run(workspace.work_on, kill_at="fetched") == KILLED
        workspace.age_claims()
        assert rescue.recover(workspace.world.now) == 1
        rests.append(Track.objects.get(pk=deadly.pk).retry_after - workspace.world.now)
    assert rests == sorted(rests)
    assert rests[0] > timedelta(minutes=4)
    assert rests[2] > timedelta(minutes=100)
    assert workspace.run(workspace.work_on) == ORDINARY_END
    assert [Track.objects.get(pk=track.pk).status for track in (deadly, *others)] == [
        "missing",
        "downloaded",
        "downloaded",
    ]
