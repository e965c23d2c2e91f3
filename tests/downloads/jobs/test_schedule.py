"""What the rows call for, and when. The clock is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog.models import Library, Run, Service
from downloads.jobs import cluster_state
from downloads.jobs.schedule import Plan, due
from tests.world import World

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _outside_a_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cluster_state, "_ours", None)
    yield


def test_a_cluster_that_has_just_started_calls_for_a_quick_reconcile(world: World) -> None:
    Library.objects.update(last_pass=NOW, last_full_pass=None)
    assert due(NOW, online=True) == Plan()
    cluster_state.register("downloads", NOW)
    assert due(NOW, online=True) == Plan(reconcile=True)


@pytest.mark.parametrize(
    ("since", "since_full", "plan"),
    [
        (timedelta(minutes=14), timedelta(hours=23), Plan()),
        (timedelta(minutes=15), timedelta(hours=23), Plan(reconcile=True)),
        (timedelta(minutes=15), timedelta(hours=24), Plan(reconcile=True, full=True)),
        (timedelta(days=-365), timedelta(days=-365), Plan(reconcile=True, full=True)),  # the clock was set back
    ],
)
def test_reconciles_are_due_quarter_hourly_and_daily(
    world: World, since: timedelta, since_full: timedelta, plan: Plan
) -> None:
    Library.objects.update(last_pass=NOW - since, last_full_pass=NOW - since_full)
    assert due(NOW, online=True) == plan


def test_nobody_looks_at_a_library_that_is_offline(world: World) -> None:
    cluster_state.register("downloads", NOW)
    assert not due(NOW, online=False)


def test_a_sync_is_due_hourly_where_spotify_is_connected(world: World, settings: Any) -> None:
    Library.objects.update(last_pass=NOW, last_full_pass=NOW)
    assert not due(NOW, online=True).sync
    settings.SPOTIFY_REFRESH_TOKEN = "token"
    assert due(NOW, online=True).sync
    run = Run.objects.create(kind=Run.Kind.SYNC, started_at=NOW - timedelta(minutes=59))
    assert not due(NOW, online=True).sync
    Run.objects.filter(pk=run.pk).update(started_at=NOW - timedelta(minutes=60))
    assert due(NOW, online=True).sync


def test_a_sync_that_a_pause_cut_off_is_due_once_the_pause_is_over(world: World, settings: Any) -> None:
    Library.objects.update(last_pass=NOW, last_full_pass=NOW)
    settings.SPOTIFY_REFRESH_TOKEN = "token"
    Run.objects.create(kind=Run.Kind.SYNC, started_at=NOW, ok=False)
    Service.objects.pause("spotify", NOW + timedelta(minutes=5), "slow down", now=NOW)
    assert not due(NOW + timedelta(minutes=4), online=True).sync
    assert due(NOW + timedelta(minutes=5), online=True).sync
    Run.objects.create(kind=Run.Kind.SYNC, started_at=NOW + timedelta(minutes=5), ok=True)
    assert not due(NOW + timedelta(minutes=6), online=True).sync
