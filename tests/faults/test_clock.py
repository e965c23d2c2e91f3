"""A clock that jumps by an hour or a year, to either side: nothing stuck, nothing retried in a storm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.apps import apps

from catalog.library.reconcile import reconcile
from catalog.models import Cluster, Event, Run, Service, Track
from catalog.reports import status
from catalog.spotify.sync import sync
from catalog.tracks import transitions
from catalog.tracks.conditional_update import BATCH
from catalog.web import setup_link
from downloads.failures import backoff, clock_skew
from downloads.failures.kinds import DownloadError
from downloads.jobs import cluster, cluster_state
from downloads.jobs.schedule import due
from downloads.worker import loop, rescue
from tests.crash.workspace import Workspace
from tests.world import World

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
BACK = [HOUR, YEAR]
TICK = timedelta(minutes=10)  # a minute in real life; here so that hours pass quickly
Schedule = apps.get_model("django_q", "Schedule")


@pytest.fixture(autouse=True)
def _outside_a_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cluster_state, "_ours", None)
    yield


@pytest.fixture
def nothing_found(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every try of every track fails, by its own fault."""
    monkeypatch.setattr("downloads.search.candidates.acceptable", lambda *asked: [])


class Life:
    """A library's hours as they really pass, under a clock that may be wrong by ``off``."""

    def __init__(self, workspace: Workspace) -> None:
        self.world, self.began = workspace.world, workspace.world.now
        self.passed, self.off = timedelta(), timedelta()
        self.tries: dict[int, list[timedelta]] = defaultdict(list)

    def now(self) -> datetime:
        return self.began + self.passed + self.off

    def go_on(self, until: timedelta, every: timedelta = TICK) -> None:
        """Each tick: recover, then work on what is due. Notes when each track was tried."""
        while self.passed < until:
            rescue.recover(self.now())
            while (outcome := loop.work_one(now=self.now)) is not None:
                self.tries[outcome.track_id].append(self.passed)
            self.passed += every


@pytest.mark.parametrize("jump", [HOUR, -HOUR, YEAR, -YEAR])
def test_a_jump_neither_stops_a_failing_track_nor_lets_it_storm(
    workspace: Workspace, nothing_found: None, jump: timedelta
) -> None:
    tracks = [workspace.track() for _ in range(3)]
    life = Life(workspace)
    life.go_on(timedelta(hours=1))
    life.off = jump
    life.go_on(timedelta(hours=16))
    for track in tracks:
        tries = life.tries[track.pk]
        rests = [after - before for before, after in pairwise(tries)]
        early = [rest for number, rest in enumerate(rests, 1) if rest < backoff.cooldown(number, 0) - TICK]
        assert len(early) <= (jump > timedelta()), f"{rests}: early more than once"
        for number, rest in enumerate(rests, 1):
            most = backoff.cooldown(number, 1)
            assert rest <= 2 * most + TICK, f"rest {number} is {rest} instead of {most}"
        assert len(tries) >= 4


@pytest.mark.parametrize("first", [HOUR, YEAR])
def test_a_clock_that_was_fast_and_is_put_right_leaves_nothing_behind(
    workspace: Workspace, nothing_found: None, first: timedelta
) -> None:
    track = workspace.track()
    life = Life(workspace)
    life.off = first
    life.go_on(timedelta(hours=3))
    life.off = timedelta()
    life.go_on(timedelta(hours=18))
    late = [moment for moment in life.tries[track.pk] if moment >= timedelta(hours=3)]
    assert late and late[0] <= timedelta(hours=3 + 12 * 1.1) + TICK
    assert len(life.tries[track.pk]) == Track.objects.get(pk=track.pk).attempts <= 8


@pytest.mark.parametrize("jump", BACK)
def test_a_lease_from_the_future_ends_after_an_ordinary_one(workspace: Workspace, jump: timedelta) -> None:
    track = workspace.track()
    assert transitions.claim(workspace.world.now + jump)
    now = workspace.world.now
    assert rescue.recover(now) == 0, "its worker may be well"
    assert rescue.recover(now + transitions.LEASE + timedelta(seconds=1)) == 1
    assert workspace.world.status_of(track) == "missing"


@pytest.mark.parametrize("jump", BACK)
def test_a_worker_that_lives_through_a_clock_set_back_keeps_its_track(workspace: Workspace, jump: timedelta) -> None:
    track = workspace.track()
    claimed = transitions.claim(workspace.world.now + jump)
    assert claimed and claimed.claim
    now = workspace.world.now
    clock_skew.repair_clock_skew(now)
    assert transitions.renew(track.pk, claimed.claim, now + timedelta(seconds=15))
    assert rescue.recover(now + timedelta(minutes=2)) == 0
    assert transitions.holds(track.pk, claimed.claim, now + timedelta(minutes=2))


@pytest.mark.parametrize("jump", BACK)
def test_a_track_that_came_in_under_a_fast_clock_is_due_at_once(world: World, jump: timedelta) -> None:
    track = world.make_track(retry_after=world.now + jump)
    Run.objects.create(kind=Run.Kind.SYNC, started_at=world.now + jump)
    rescue.recover(world.now)
    assert Track.objects.queue(world.now).filter(pk=track.pk).exists()


def test_cooldowns_under_a_right_clock_are_left_alone(world: World) -> None:
    rests = [
        world.make_track(f"Song {n}", number=n, attempts=n, retry_after=world.now + backoff.cooldown(n, 0.999))
        for n in range(1, 9)
    ]
    before = dict(Track.objects.filter(pk__in=[track.pk for track in rests]).values_list("pk", "retry_after"))
    Event.objects.create(track=rests[0], kind="fail", at=world.now + YEAR)  # so that all are looked at
    assert clock_skew.repair_clock_skew(world.now) == 0
    assert dict(Track.objects.filter(pk__in=before).values_list("pk", "retry_after")) == before


def test_a_rest_beyond_the_weekly_floor_is_never_believed(world: World) -> None:
    """Also where nothing else tells that the clock was set back."""
    track = world.make_track(attempts=2, retry_after=world.now + YEAR)
    assert clock_skew.repair_clock_skew(world.now) == 1
    track.refresh_from_db()
    assert track.retry_after - world.now == backoff.LONGEST_RESTS[2]


def test_tracks_set_back_by_the_thousand_are_all_pulled_in(world: World) -> None:
    Track.objects.bulk_create(
        Track(title=f"{n}", identity=f"{n}", wanted=True, attempts=n % 9, retry_after=world.now + YEAR)
        for n in range(2 * BATCH + 1)
    )
    assert clock_skew.repair_clock_skew(world.now) == 2 * BATCH + 1
    assert not Track.objects.filter(retry_after__gt=world.now + timedelta(days=8)).exists()


@pytest.mark.parametrize(
    ("name", "rest"), [("audio", HOUR), ("storage", clock_skew.FULL_DISK_PAUSE), ("spotify", None)]
)
def test_a_pause_from_the_future_is_no_longer_than_any(world: World, name: str, rest: timedelta | None) -> None:
    Service.objects.pause(name, world.now + YEAR, "slow down", now=world.now + YEAR - HOUR)
    rescue.recover(world.now)
    row = Service.objects.get(name=name)
    assert row.paused_until and row.paused_until - world.now == (rest or clock_skew.LONGEST_PAUSES[name])
    rescue.recover(world.now)
    row.refresh_from_db()
    assert row.is_paused(world.now) and not row.is_paused(world.now + timedelta(days=7))


@pytest.mark.parametrize("jump", BACK)
def test_a_canary_that_never_came_back_does_not_block_the_service_for_a_year(
    workspace: Workspace, proven: None, jump: timedelta
) -> None:
    track = workspace.track()
    now = workspace.world.now
    Service.objects.pause("audio", now + jump, "slow down", now=now + jump - HOUR)
    assert Service.objects.send_canary("audio", now + jump, now + jump + clock_skew.CANARY)
    rescue.recover(now)
    assert loop.work_one(now=lambda: now + clock_skew.CANARY + timedelta(seconds=1))
    assert workspace.world.status_of(track) == "downloaded"


def test_a_person_who_says_go_on_sends_the_canary(workspace: Workspace, proven: None) -> None:
    track = workspace.track()
    Service.objects.pause("audio", workspace.world.now + HOUR, "slow down", now=workspace.world.now)
    Service.objects.go_on("audio")
    assert loop.work_one(now=lambda: workspace.world.now)
    assert workspace.world.status_of(track) == "downloaded"


@pytest.mark.parametrize("jump", BACK)
def test_a_sync_from_the_future_does_not_let_one_follow_each_minute(
    world: World, settings: Any, jump: timedelta
) -> None:
    settings.SPOTIFY_REFRESH_TOKEN = "token"
    Run.objects.create(kind=Run.Kind.SYNC, started_at=world.now + jump)
    assert due(world.now, online=True).sync
    Run.objects.create(kind=Run.Kind.SYNC, started_at=world.now)
    assert not due(world.later(minutes=1), online=True).sync
    assert due(world.later(minutes=130), online=True).sync


@pytest.mark.parametrize("kind", [Run.Kind.SYNC, Run.Kind.RECONCILE])
def test_runs_from_the_future_do_not_crowd_out_those_of_today(world: World, settings: Any, kind: str) -> None:
    settings.SPOTIFY_REFRESH_TOKEN = ""
    Run.objects.bulk_create(
        Run(kind=kind, started_at=world.now + YEAR + number * HOUR, ended_at=world.now + YEAR, ok=True)
        for number in range(501)
    )
    (sync if kind == Run.Kind.SYNC else reconcile)(world.now)
    assert Run.objects.filter(kind=kind, started_at=world.now).exists()


@pytest.mark.parametrize("jump", BACK)
def test_the_tick_comes_back_after_the_clock_was_set_back(world: World, jump: timedelta) -> None:
    cluster.install_schedules(world.now + jump)
    assert cluster.repair_schedule(world.now)
    assert Schedule.objects.get(func="downloads.jobs.tick").next_run == world.now
    assert not cluster.repair_schedule(world.now)


@pytest.mark.parametrize("jump", [*BACK, -HOUR, -YEAR])
def test_a_heartbeat_from_another_time_proves_nothing(world: World, jump: timedelta) -> None:
    Cluster.objects.create(host="nas", queue="downloads", started_at=world.now - YEAR, beat_at=world.now + jump)
    assert not cluster_state.is_served("downloads", world.now)
    assert status.workers_state(world.now) == "silent"
    Cluster.objects.update(beat_at=world.now)
    assert cluster_state.is_served("downloads", world.now)
    assert status.workers_state(world.now) == "running"


@pytest.mark.parametrize("jump", BACK)
def test_a_run_from_the_future_is_not_under_way(world: World, jump: timedelta) -> None:
    Run.objects.create(kind=Run.Kind.RECONCILE, started_at=world.now + jump)
    ended = Run.objects.create(kind=Run.Kind.RECONCILE, started_at=world.now - HOUR, ended_at=world.now, ok=True)
    shown = status.snapshot(world.now)["runs"][Run.Kind.RECONCILE]
    assert (shown["running"], shown["started_at"]) == (False, ended.started_at)


@pytest.mark.parametrize("jump", BACK)
def test_failures_from_the_future_do_not_pause_the_service_at_the_first_one_today(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    for number in range(4):
        other = workspace.world.make_track(
            f"Other {number}",
            number=number,
            error_kind="network",
            last_error="x",
            retry_after=workspace.world.now + HOUR,
        )
        Event.objects.create(track=other, kind="fail", at=workspace.world.now + jump)
    workspace.track()
    monkeypatch.setattr("downloads.search.candidates.acceptable", unreachable)
    outcome = loop.work_one(now=lambda: workspace.world.now)
    assert outcome and (outcome.result, outcome.error_kind) == ("failed", "network")


def unreachable(*_: object) -> None:
    raise DownloadError("network", "The audio server does not answer.")


@pytest.mark.parametrize("jump", BACK)
def test_a_setup_link_of_a_fast_clock_is_void(db: None, world: World, jump: timedelta) -> None:
    token = setup_link.offer(world.now + jump + timedelta(seconds=1))
    assert token and not setup_link.is_valid(token, world.now)
    token = setup_link.offer(world.now)
    assert token and setup_link.is_valid(token, world.now)
