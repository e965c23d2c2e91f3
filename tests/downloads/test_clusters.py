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

from catalog.models import Cluster
from downloads import clusters

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_folder(db: None, settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(clusters, "_ours", None)
    yield


def test_a_new_cluster_may_not_claim_before_a_reconcile_has_ended() -> None:
    clusters.join("downloads", NOW)
    assert not clusters.may_claim()
    assert clusters.waiting()
    clusters.reconciled(clusters.started(), NOW)
    assert clusters.may_claim()
    assert not clusters.waiting()


def test_a_reconcile_that_began_before_the_cluster_does_not_count() -> None:
    clusters.join("downloads", NOW)
    running = clusters.started()
    clusters.join("downloads", NOW + timedelta(seconds=1))  # killed and started again while the pass ran
    clusters.reconciled(running, NOW + timedelta(minutes=1))
    assert not clusters.may_claim()


def test_the_clock_may_be_set_back_a_year_after_the_start() -> None:
    clusters.join("downloads", NOW)
    clusters.reconciled(clusters.started(), NOW - timedelta(days=365))
    assert clusters.may_claim()


def test_a_process_of_an_older_cluster_may_no_longer_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    clusters.join("downloads", NOW)
    older = clusters._ours
    clusters.join("downloads", NOW + timedelta(minutes=1))
    clusters.reconciled(clusters.started(), NOW + timedelta(minutes=2))
    monkeypatch.setattr(clusters, "_ours", older)
    assert not clusters.may_claim()


def test_a_process_outside_any_cluster_may_not_claim_and_need_not_stop() -> None:
    assert not clusters.may_claim()
    assert not clusters.should_stop()
    assert clusters.ours() == ""


def test_a_heartbeat_reaches_the_manager_and_the_pages(tmp_path: Path) -> None:
    clusters.join("downloads", NOW)
    clusters.beat(NOW + timedelta(minutes=1))
    assert (tmp_path / "run" / "beat-downloads").exists()
    assert Cluster.objects.get(name="downloads").beat_at == NOW + timedelta(minutes=1)


def test_a_busy_worker_beats_while_it_asks_whether_to_stop(tmp_path: Path) -> None:
    clusters.join("downloads", NOW)
    assert not clusters.should_stop()
    first = (tmp_path / "run" / "beat-downloads").stat().st_mtime_ns
    assert Cluster.objects.get(name="downloads").beat_at is not None
    assert not clusters.should_stop()
    assert (tmp_path / "run" / "beat-downloads").stat().st_mtime_ns == first, "at most every 20 s"


def test_a_stop_mark_stops_the_workers_of_its_cluster_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clusters.join("tonekeep", NOW)
    other = clusters._ours
    clusters.join("downloads", NOW)
    clusters.ask_stop()
    assert clusters.should_stop()
    monkeypatch.setattr(clusters, "_ours", other)
    assert not clusters.should_stop()


def test_a_stop_mark_left_by_a_crash_does_not_stop_the_next_cluster() -> None:
    clusters.join("downloads", NOW)
    clusters.ask_stop()
    clusters.join("downloads", NOW + timedelta(minutes=1))
    assert not clusters.should_stop()


def test_a_cluster_that_ended_in_good_order_is_missed_by_nobody(tmp_path: Path) -> None:
    clusters.join("downloads", NOW)
    clusters.ask_stop()
    clusters.leave()
    assert not Cluster.objects.exists()
    assert not (tmp_path / "run" / "stop-downloads").exists()


def test_leaving_takes_no_successors_row() -> None:
    clusters.join("downloads", NOW)
    Cluster.objects.update(started_at=NOW + timedelta(minutes=1))
    clusters.leave()
    assert Cluster.objects.exists()


def test_a_cluster_serves_its_queue_until_three_minutes_after_its_last_heartbeat() -> None:
    clusters.join("downloads", NOW)
    assert clusters.serves("downloads", NOW + timedelta(minutes=3))
    assert not clusters.serves("downloads", NOW + timedelta(minutes=3, seconds=1))
    clusters.beat(NOW + timedelta(minutes=2))
    assert clusters.serves("downloads", NOW + timedelta(minutes=5))
    assert not clusters.serves("tonekeep", NOW)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_what_a_cluster_forks_dies_with_it() -> None:
    """A real tree of three processes; the first is killed, as the kernel's out-of-memory killer would."""
    tree = (
        "import os, time; from downloads import parent_death as p; p.forks_die_with_their_parents();"
        "os.fork() or os.fork(); os.write(1, b'%d\\n' % os.getpid()); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", tree], cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        pids = {int(first.stdout.readline()) for _ in range(3)}
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        first.stdout.read()  # ends when the last process that holds the pipe is gone
    assert len(pids) == 3
