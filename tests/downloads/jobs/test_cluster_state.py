"""What a cluster's processes know of themselves. The test process plays the cluster's main process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings

from catalog.models import Cluster, Host
from downloads.jobs import cluster_state

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _own_folder(db: None, settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(cluster_state, "_ours", None)
    yield


def test_a_new_cluster_may_not_claim_before_a_reconcile_has_ended() -> None:
    cluster_state.register("downloads", NOW)
    assert not cluster_state.may_claim()
    assert cluster_state.awaits_reconcile(NOW)
    cluster_state.mark_reconciled(cluster_state.running_clusters(), NOW)
    assert cluster_state.may_claim()
    assert not cluster_state.awaits_reconcile(NOW)


def test_a_reconcile_that_began_before_the_cluster_does_not_count() -> None:
    cluster_state.register("downloads", NOW)
    running = cluster_state.running_clusters()
    cluster_state.register("downloads", NOW + timedelta(seconds=1))  # killed and started again while the pass ran
    cluster_state.mark_reconciled(running, NOW + timedelta(minutes=1))
    assert not cluster_state.may_claim()


def test_the_clock_may_be_set_back_a_year_after_the_start() -> None:
    cluster_state.register("downloads", NOW)
    cluster_state.mark_reconciled(cluster_state.running_clusters(), NOW - timedelta(days=365))
    assert cluster_state.may_claim()


def test_a_process_of_an_older_cluster_may_no_longer_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster_state.register("downloads", NOW)
    older = cluster_state._ours
    cluster_state.register("downloads", NOW + timedelta(minutes=1))
    cluster_state.mark_reconciled(cluster_state.running_clusters(), NOW + timedelta(minutes=2))
    monkeypatch.setattr(cluster_state, "_ours", older)
    assert not cluster_state.may_claim()


def test_a_process_outside_any_cluster_may_not_claim_and_need_not_stop() -> None:
    assert not cluster_state.may_claim()
    assert not cluster_state.should_stop()
    assert cluster_state.own_queue() == ""


def test_a_heartbeat_reaches_the_manager_and_the_pages(tmp_path: Path) -> None:
    cluster_state.register("downloads", NOW)
    cluster_state.heartbeat(NOW + timedelta(minutes=1))
    assert (tmp_path / "run" / "beat-downloads").exists()
    assert Cluster.objects.get(queue="downloads").beat_at == NOW + timedelta(minutes=1)


def test_a_busy_worker_beats_while_it_asks_whether_to_stop(tmp_path: Path) -> None:
    cluster_state.register("downloads", NOW)
    assert not cluster_state.should_stop()
    first = (tmp_path / "run" / "beat-downloads").stat().st_mtime_ns
    assert Cluster.objects.get(queue="downloads").beat_at is not None
    assert not cluster_state.should_stop()
    assert (tmp_path / "run" / "beat-downloads").stat().st_mtime_ns == first, "at most every 20 s"


def test_a_stop_mark_stops_the_workers_of_its_cluster_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster_state.register("tonekeep", NOW)
    other = cluster_state._ours
    cluster_state.register("downloads", NOW)
    cluster_state.request_stop()
    assert cluster_state.should_stop()
    monkeypatch.setattr(cluster_state, "_ours", other)
    assert not cluster_state.should_stop()


def test_a_stop_mark_left_by_a_crash_does_not_stop_the_next_cluster() -> None:
    cluster_state.register("downloads", NOW)
    cluster_state.request_stop()
    cluster_state.register("downloads", NOW + timedelta(minutes=1))
    assert not cluster_state.should_stop()


def test_a_cluster_that_ended_in_good_order_is_missed_by_nobody(tmp_path: Path) -> None:
    cluster_state.register("downloads", NOW)
    cluster_state.request_stop()
    cluster_state.unregister()
    assert not Cluster.objects.exists()
    assert not (tmp_path / "run" / "stop-downloads").exists()


def test_leaving_takes_no_successors_row() -> None:
    cluster_state.register("downloads", NOW)
    Cluster.objects.update(started_at=NOW + timedelta(minutes=1))
    cluster_state.unregister()
    assert Cluster.objects.exists()


def test_a_cluster_serves_its_queue_until_three_minutes_after_its_last_heartbeat() -> None:
    cluster_state.register("downloads", NOW)
    assert cluster_state.is_served("downloads", NOW + timedelta(minutes=3))
    assert not cluster_state.is_served("downloads", NOW + timedelta(minutes=3, seconds=1))
    cluster_state.heartbeat(NOW + timedelta(minutes=2))
    assert cluster_state.is_served("downloads", NOW + timedelta(minutes=5))
    assert not cluster_state.is_served("tonekeep", NOW)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_what_a_cluster_forks_dies_with_it() -> None:
    """A real tree of three processes; the first is killed, as the kernel's out-of-memory killer would."""
    tree = (
        "import os, time; from catalog.system import child_lifetime as p; p.forks_die_with_their_parents();"
        "os.fork() or os.fork(); os.write(1, b'%d\\n' % os.getpid()); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", tree], cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        pids = {int(first.stdout.readline()) for _ in range(3)}
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        first.stdout.read()  # ends when the last process that holds the pipe is gone
    assert len(pids) == 3


# --- Several hosts ----------------------------------------------------------------------------------------


def test_a_host_does_not_replace_anothers_cluster_and_waits_for_no_dead_one(settings: LazySettings) -> None:
    settings.HOST_NAME = "attic"
    cluster_state.register("downloads", NOW - timedelta(hours=1))  # killed an hour ago, before its first reconcile
    settings.HOST_NAME = "nas"
    cluster_state.register("downloads", NOW)
    assert Cluster.objects.count() == 2
    cluster_state.mark_reconciled([Cluster.objects.get(host="nas")], NOW)
    assert cluster_state.may_claim() and not cluster_state.awaits_reconcile(NOW)
    cluster_state.unregister()
    assert [row.host for row in Cluster.objects.all()] == ["attic"]


def test_a_drained_host_claims_nothing(settings: LazySettings) -> None:
    cluster_state.register("downloads", NOW)
    cluster_state.mark_reconciled(cluster_state.running_clusters(), NOW)
    assert cluster_state.may_claim()
    Host.objects.update(drained=True)
    assert not cluster_state.may_claim()
