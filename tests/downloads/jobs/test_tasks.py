"""What the jobs decide. The broker's rows are real; nothing but the clock is given to them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pydoc import locate
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.contrib import admin
from django.core.management import call_command
from django.utils import timezone
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage

from catalog.db import database_clock
from catalog.models import BrowserSession, Cluster, Library, Run, Service, Track
from catalog.models.settings import value
from catalog.storage import state as storage
from catalog.system.file_locks import try_lock
from downloads import jobs
from downloads.jobs import backlog, cluster, cluster_state, queue, tasks
from downloads.jobs.queue import queue_key
from downloads.jobs.schedule import due
from downloads.models import RateLimitState
from downloads.worker import loop
from tests.world import World

OrmQ = apps.get_model("django_q", "OrmQ")
Schedule = apps.get_model("django_q", "Schedule")
Task = apps.get_model("django_q", "Task")

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _outside_a_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cluster_state, "_ours", None)
    yield


def waiting(queue: str) -> list[str]:
    """The functions of the wake-ups that wait in a queue."""
    return [row.func().rpartition(".")[2] for row in OrmQ.objects.filter(key=queue_key(queue))]


def both_clusters_run() -> None:
    cluster_state.register("tonekeep", timezone.now())
    cluster_state.register("downloads", timezone.now(), workers=value("DOWNLOAD_WORKERS"))


# --- Wake-ups ---------------------------------------------------------------------------------------------


def test_each_download_worker_gets_one_wake_up_however_often_it_is_asked_for(world: World, settings: Any) -> None:
    settings.DOWNLOAD_WORKERS = 3
    both_clusters_run()
    for _ in range(4):
        queue.wake()
    assert waiting("downloads") == ["download"] * 3
    assert waiting("tonekeep") == []


def test_a_wake_up_carries_no_payload(world: World) -> None:
    both_clusters_run()
    queue.wake()
    for row in OrmQ.objects.all():
        assert row.task["args"] == ()
        assert row.task["kwargs"] == {}


def test_a_due_wake_up_is_given_out_once(world: World, settings: LazySettings) -> None:
    both_clusters_run()
    queue.enqueue("tick", queue_key("tonekeep"))
    broker = queue.WakeUps(queue_key("tonekeep"))
    given = broker.dequeue()
    assert given is not None
    [(pk, payload)] = given
    assert SignedPackage.loads(payload)["func"] == "downloads.jobs.tick"
    assert broker.dequeue() is None, "it is in a worker's hand"
    lock = OrmQ.objects.get(pk=pk).lock
    assert lock - timezone.now() > timedelta(seconds=settings.Q_CLUSTER["retry"] - 60)
    broker.acknowledge(pk)
    assert not OrmQ.objects.exists()


def test_a_wake_up_of_another_queue_or_of_later_is_left(world: World) -> None:
    both_clusters_run()
    queue.enqueue("download", queue_key("downloads"))
    queue.enqueue("tell_players", queue_key("tonekeep"), at=timezone.now() + timedelta(minutes=1))
    assert queue.WakeUps(queue_key("tonekeep")).dequeue() is None
    assert OrmQ.objects.count() == 2


def test_a_wake_up_that_another_cluster_took_first_is_not_given_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_clusters_run()
    queue.enqueue("tick", queue_key("tonekeep"))
    broker = queue.WakeUps(queue_key("tonekeep"))
    seen = broker._ask(queue.NEXT_DUE, broker.list_key, broker._stored(timezone.now()))
    OrmQ.objects.update(lock=timezone.now() + timedelta(hours=1))
    taken = broker._ask
    monkeypatch.setattr(
        broker, "_ask", lambda statement, *values: seen if statement == queue.NEXT_DUE else taken(statement, *values)
    )
    assert broker.dequeue() == []


def test_a_cluster_that_starts_has_its_rows_and_asks_for_a_tick(world: World, settings: LazySettings) -> None:
    settings.DOWNLOAD_WORKERS = 5
    start = json.loads(cluster._register())
    row = Cluster.objects.get()
    assert start == {"at": row.started_at.isoformat(), "workers": row.workers}
    assert (row.queue, row.workers) == ("tonekeep", settings.Q_CLUSTER["workers"])
    assert waiting("tonekeep") == ["tick"]


@pytest.mark.django_db(transaction=True)  # it closes connections that have grown old
def test_a_tick_leaves_no_row_of_its_result(world: World) -> None:
    """Each of them would be written, read by nobody, and deleted 50 minutes later."""
    cluster_state.register("tonekeep", timezone.now())
    cluster.install_schedules(timezone.now() - timedelta(minutes=1))
    scheduler(queue.WakeUps(queue_key("tonekeep")))
    [row] = OrmQ.objects.all()
    assert (row.task["func"], row.task["save"]) == ("downloads.jobs.tick", False)


# --- Jobs in a cluster run in forks of its workers ----------------------------------------------------------


def test_a_job_runs_in_another_process_of_the_cluster(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs.JOBS, "tell_pid", "told")
    monkeypatch.setattr(jobs, "body_of", lambda name: lambda: str(os.getpid()))
    assert jobs.tell_pid() == str(os.getpid()), "outside of a cluster: here"
    cluster_state.join("tonekeep", NOW)
    assert jobs.tell_pid() != str(os.getpid())


def test_a_job_that_is_killed_ends_as_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs.JOBS, "die", "told")
    monkeypatch.setattr(jobs, "body_of", lambda name: lambda: os.kill(os.getpid(), signal.SIGKILL))
    cluster_state.join("tonekeep", NOW)
    assert jobs.die() == "error: was killed by signal 9"


# --- More wake-ups ----------------------------------------------------------------------------------------


def test_a_wake_up_in_a_workers_hand_is_not_one_that_waits(world: World, settings: Any) -> None:
    settings.DOWNLOAD_WORKERS = 1
    both_clusters_run()
    queue.wake()
    OrmQ.objects.update(lock=timezone.now() + timedelta(hours=24))
    queue.wake()
    assert waiting("downloads") == ["download"] * 2


def test_where_no_cluster_fetches_the_main_one_fetches_one_at_a_time(world: World) -> None:
    cluster_state.register("tonekeep", timezone.now())
    queue.wake()
    queue.wake()
    assert waiting("tonekeep") == ["download"]
    assert waiting("downloads") == []


def test_each_live_host_is_woken_with_as_many_as_it_has_workers(world: World, settings: LazySettings) -> None:
    for host, workers, minutes in (("nas", 1, 0), ("attic", 2, 0), ("garage", 4, 9)):
        settings.HOST_NAME = host
        cluster_state.register("downloads", timezone.now() - timedelta(minutes=minutes), workers=workers)
    queue.wake()
    keys = sorted(OrmQ.objects.values_list("key", flat=True))
    assert keys == ["downloads@attic", "downloads@attic", "downloads@nas"]


def test_a_host_that_is_forgotten_leaves_nothing(world: World, settings: LazySettings) -> None:
    settings.HOST_NAME = "attic"
    both_clusters_run()
    cluster.install_schedules(NOW)
    queue.wake()
    settings.HOST_NAME = "nas"
    cluster.install_schedules(NOW)
    queue.forget_host("attic")
    assert not Cluster.objects.exists() and not OrmQ.objects.exists()
    assert [row.cluster for row in Schedule.objects.all()] == ["tonekeep@nas"]


def test_the_main_cluster_hands_over_when_the_other_one_turns_up(world: World) -> None:
    cluster_state.register("downloads", timezone.now())
    cluster_state.register("tonekeep", timezone.now())
    cluster_state.mark_reconciled(cluster_state.running_clusters(), timezone.now())
    world.make_track(retry_after=timezone.now())
    assert tasks.download() == "0 tracks, more is due"
    assert "download" in waiting("downloads")


def test_a_worker_returns_at_once_before_the_first_reconcile(world: World) -> None:
    cluster_state.register("downloads", timezone.now())
    track = world.make_track(retry_after=timezone.now() - timedelta(hours=1))
    assert tasks.download() == "the first reconcile has not ended yet"
    track.refresh_from_db()
    assert track.attempts == 0


def test_a_worker_with_nothing_to_do_goes_home(world: World) -> None:
    cluster_state.register("downloads", timezone.now())
    cluster_state.mark_reconciled(cluster_state.running_clusters(), timezone.now())
    assert tasks.download() == "0 tracks"


def test_a_worker_that_comes_too_early_for_the_site_waits_for_its_turn(
    world: World, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each song but the first would wait for the next minute's tick."""
    settings.AUDIO_SOURCE = "youtube"
    cluster_state.register("downloads", timezone.now())
    cluster_state.mark_reconciled(cluster_state.running_clusters(), timezone.now())
    world.make_track(retry_after=timezone.now() - timedelta(hours=1))
    now = timezone.now()
    RateLimitState.objects.create(source="youtube", not_before=now + timedelta(seconds=5), booked_until=now)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        cluster_state.request_stop()

    monkeypatch.setattr(tasks.time, "sleep", sleep)
    assert tasks.download() == "0 tracks, more is due"
    assert slept == [0.5]
    RateLimitState.objects.update(not_before=now, booked_until=now + timedelta(minutes=59))
    assert loop.seconds_to_turn(timezone.now()) > tasks.LONGEST_WAIT


def test_a_worker_that_is_to_stop_claims_nothing(world: World) -> None:
    cluster_state.register("downloads", timezone.now())
    cluster_state.mark_reconciled(cluster_state.running_clusters(), timezone.now())
    cluster_state.request_stop()
    track = world.make_track(retry_after=timezone.now() - timedelta(hours=1))
    tasks.download()
    track.refresh_from_db()
    assert track.attempts == 0
    assert OrmQ.objects.count() == 0


# --- The tick ---------------------------------------------------------------------------------------------


def test_a_tick_beats_and_sends_a_heartbeat_through_the_other_clusters_workers(world: World) -> None:
    both_clusters_run()
    cluster_state.register("tonekeep", timezone.now())
    tasks.tick()
    tasks.tick()
    assert Cluster.objects.get(queue="tonekeep").beat_at is not None
    assert waiting("downloads").count("heartbeat") == 1


def test_a_heartbeat_that_came_through_a_worker_is_written_down(world: World) -> None:
    cluster_state.register("downloads", timezone.now())
    began = database_clock.now()
    assert tasks.heartbeat() == "alive"
    beat_at = Cluster.objects.get(queue="downloads").beat_at
    assert beat_at and beat_at >= began


def test_a_person_who_cannot_wait_a_minute_gets_one_tick_at_once(world: World) -> None:
    both_clusters_run()
    call_command("tick")
    call_command("tick")
    assert waiting("tonekeep") == ["tick"]


def test_a_tick_wakes_the_workers_where_something_is_due(world: World) -> None:
    both_clusters_run()
    tasks.tick()
    assert "download" not in waiting("downloads")
    world.make_track(retry_after=timezone.now() - timedelta(minutes=1))
    tasks.tick()
    assert "download" in waiting("downloads")


def test_a_tick_recovers_what_a_crashed_worker_held(world: World) -> None:
    past = timezone.now() - timedelta(hours=1)
    track = world.make_track(status="downloading", claim="f" * 32, claim_until=past, attempts=1)
    tasks.tick()
    assert world.status_of(track) == Track.Status.MISSING


def test_a_tick_notices_that_the_disk_is_gone_and_back(world: World) -> None:
    marker = world.root / ".tonekeep"
    marker.rename(world.root.parent / "elsewhere")
    tasks.tick()
    assert Service.objects.get(name="storage").state == "offline"
    (world.root.parent / "elsewhere").rename(marker)
    tasks.tick()
    assert Service.objects.get(name="storage").state == "online"


def test_a_step_of_the_tick_that_fails_costs_the_others_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(now: datetime) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(tasks, "EACH_MINUTE", (breaks, *tasks.EACH_MINUTE))
    track = world.make_track(status="downloading", claim="f" * 32, claim_until=NOW - timedelta(days=365))
    assert tasks.tick() == "failed: breaks"
    assert world.status_of(track) == Track.Status.MISSING


def test_failed_tasks_are_kept_for_30_days_and_the_last_hundred_for_ever(world: World) -> None:
    for days in range(10, 150):
        at = NOW - timedelta(days=days)
        Task.objects.create(id=f"{days}", name=f"{days}", func="x", started=at, stopped=at, success=False, result="")
    tasks.prune(NOW)
    assert sorted(int(task.name) for task in Task.objects.all()) == list(range(10, 110))
    Task.objects.all().delete()
    for number in range(150):
        at = NOW - timedelta(days=29, minutes=number)
        Task.objects.create(id=f"{number}", name="x", func="x", started=at, stopped=at, success=False, result="")
    tasks.prune(NOW)
    assert Task.objects.count() == 150


# --- Catching up ------------------------------------------------------------------------------------------


def test_what_a_person_asks_for_is_due_until_it_is_done(world: World) -> None:
    Library.objects.update(last_pass=timezone.now(), last_full_pass=timezone.now())
    queue.request_reconcile()
    queue.request_reconcile()
    assert waiting("tonekeep") == ["handle_backlog"]
    assert due(timezone.now(), online=True).reconcile
    backlog.handle_backlog()
    assert not due(timezone.now(), online=True)


def test_a_tick_catches_up_with_a_wake_up_that_was_lost(world: World) -> None:
    (world.root / ".tonekeep").unlink()
    storage.check(world.now)
    queue.request_accept_root()
    OrmQ.objects.all().delete()
    tasks.tick()
    assert "handle_backlog" in waiting("tonekeep")
    backlog.handle_backlog()
    assert storage.current().state == "online"


def test_a_reconcile_asked_for_while_one_runs_is_done_afterwards(world: World) -> None:
    queue.request_reconcile()
    with try_lock("reconcile"):
        backlog.handle_backlog()
    assert due(timezone.now(), online=True).reconcile


def test_a_sync_asked_for_while_one_runs_is_done_afterwards(world: World) -> None:
    queue.request_sync()
    with try_lock("sync"):
        backlog.handle_backlog()
    assert due(timezone.now(), online=True).sync
    backlog.handle_backlog()
    assert not due(timezone.now(), online=True).sync


def test_a_sync_brings_a_reconcile_with_it(world: World) -> None:
    Library.objects.update(last_pass=timezone.now(), last_full_pass=timezone.now())
    queue.request_sync()
    backlog.handle_backlog()
    assert [run.kind for run in Run.objects.order_by("started_at", "pk")] == ["sync", "reconcile"]


def test_a_reconcile_finds_what_vanished_lets_workers_claim_and_wakes_them(world: World) -> None:
    both_clusters_run()
    track = world.tracks["Maria Ruiz/First Light/Noon"]
    (world.root / "Maria Ruiz/First Light/02 Noon.mp3").unlink()
    backlog.handle_backlog()
    assert world.status_of(track) == Track.Status.MISSING
    assert cluster_state.may_claim()
    assert "download" in waiting("downloads")


def test_workers_go_on_waiting_where_the_library_is_offline(world: World) -> None:
    both_clusters_run()
    (world.root / ".tonekeep").unlink()
    backlog.handle_backlog()
    assert not cluster_state.may_claim()


# --- Errors, schedules, admin -----------------------------------------------------------------------------


def test_an_error_leaves_no_text_in_the_task_row(caplog: pytest.LogCaptureFixture) -> None:
    @queue.job
    def leaks() -> str:
        raise ValueError("password hunter2")

    assert leaks() == "error: ValueError"
    assert "leaks ended in an error" in caplog.text


def test_schedules_are_installed_once_whatever_stood_there(world: World) -> None:
    for _ in range(3):
        Schedule.objects.create(name="tick", func="downloads.jobs.tick", next_run=NOW + timedelta(days=365))
    Schedule.objects.create(name="of old", func="downloads.jobs.no_longer_there")
    Schedule.objects.create(name="a person's", func="math.sqrt")
    cluster.install_schedules(NOW)
    cluster.install_schedules(NOW)
    assert sorted(Schedule.objects.values_list("name", flat=True)) == ["a person's", "tick"]
    tick = Schedule.objects.get(name="tick")
    assert (tick.next_run, tick.minutes, tick.schedule_type, tick.repeats) == (NOW, 1, Schedule.MINUTES, -1)


def test_none_of_the_brokers_models_is_in_the_admin() -> None:
    assert [model for model in admin.site._registry if model._meta.app_label == "django_q"] == []


@pytest.mark.parametrize(
    "name", ["tick", "heartbeat", "download", "catch_up", "move_files", "answer_searches", "import_uploads"]
)
def test_a_task_that_an_earlier_version_left_in_the_queue_still_runs(name: str) -> None:
    """Rows of 858ed66 name functions of the module ``downloads.jobs``, which is a package now."""
    assert callable(locate(f"downloads.jobs.{name}"))


def test_sessions_that_have_expired_are_deleted(world: World) -> None:
    for hours in (-1, 1):
        BrowserSession.objects.create(
            session_key=str(hours), seen_at=world.now, expire_date=world.now + timedelta(hours=hours)
        )
    tasks.prune(world.now)
    assert [row.session_key for row in BrowserSession.objects.all()] == ["1"]
