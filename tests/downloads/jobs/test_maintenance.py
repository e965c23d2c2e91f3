"""What is asked for on a page and done by a job: once, again after a crash, and said where it could not be done."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection
from django_q.models import OrmQ

from catalog.models import JobRequest, Library, Run, Track
from catalog.storage import state as storage
from downloads.jobs import cluster_state, maintenance, tasks
from tests.world import World

SQLITE_ONLY = pytest.mark.skipif(connection.vendor != "sqlite", reason="pg_dump is tested with the backup itself")


@pytest.fixture(autouse=True)
def _folder(world: World, settings: LazySettings) -> None:
    settings.MUSIC_DIR_FIXED = False
    settings.MUSIC_DIR_FILE = settings.DATA_DIR / "music_dir"


def last(kind: str) -> Run:
    return Run.objects.filter(kind=kind).latest("started_at")


def test_a_check_counts_and_names_what_does_not_fit(world: World) -> None:
    stray = world.root / "stray.mp3"
    stray.write_bytes(b"x")
    maintenance.ask("check", world.now)
    assert maintenance.maintain() == "1 done"
    run = last("check")
    assert run.ok and run.report["rows"] == 6 and run.report["files"] == 7
    assert run.report["counts"]["files_without_rows"] == 1
    assert run.report["listed"]["files_without_rows"] == ["stray.mp3"]


def test_what_cannot_be_checked_is_said(world: World) -> None:
    world.root.rename(world.root.with_name("away"))
    maintenance.ask("check", world.now)
    maintenance.maintain()
    assert last("check").ok is False and "is not there" in last("check").problem


def test_a_request_is_made_once_and_its_wake_up_may_be_lost(world: World) -> None:
    assert maintenance.ask("check", world.now)
    assert not maintenance.ask("check", world.now)
    OrmQ.objects.all().delete()
    tasks.tick()
    assert "downloads.jobs.maintain" in {row.task["func"] for row in OrmQ.objects.all()}
    assert Run.objects.filter(kind="check").count() == 1


def test_a_stop_leaves_the_request_for_the_next_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    maintenance.ask("check", world.now)
    monkeypatch.setattr(cluster_state, "should_stop", lambda: True)
    maintenance.maintain()
    assert last("check").ended_at is None and last("check").report == {"tries": 0}
    monkeypatch.undo()
    maintenance.maintain()
    assert last("check").ok


def test_what_kills_its_process_is_given_up_after_three_times(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    maintenance.ask("check", world.now)

    def killed(run: Run, now: object) -> dict[str, object]:
        raise KeyboardInterrupt

    monkeypatch.setitem(maintenance.STEPS, "check", killed)
    for _ in range(maintenance.TRIES):
        with pytest.raises(KeyboardInterrupt):
            maintenance.maintain()
    assert maintenance.maintain() == "1 done"
    assert "was cut off 3 times" in last("check").problem


def test_an_error_is_logged_and_the_others_are_done(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    maintenance.ask("backup", world.now - timedelta(minutes=1))
    maintenance.ask("check", world.now)

    def fails(run: Run, now: object) -> dict[str, object]:
        raise ValueError("hunter2")

    monkeypatch.setitem(maintenance.STEPS, "backup", fails)
    assert maintenance.maintain() == "2 done"
    assert "hunter2" not in last("backup").problem and "the log says which" in last("backup").problem
    assert "ended in an error" in caplog.text and last("check").ok


@SQLITE_ONLY
@pytest.mark.django_db(transaction=True)
def test_a_backup_is_whole_private_and_the_last_three_stay(
    world: World, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        moment = world.now + timedelta(seconds=number)
        monkeypatch.setattr(maintenance.database_clock, "now", lambda moment=moment: moment)
        maintenance.ask("backup", moment)
        maintenance.maintain()
    files = maintenance.backups()
    assert len(files) == maintenance.BACKUPS_KEPT == 3 and files[0].name > files[-1].name
    assert f"{world.now:%H%M%S}" not in files[-1].name
    assert files[0].stat().st_mode & 0o077 == 0 and files[0].parent.stat().st_mode & 0o077 == 0
    with sqlite3.connect(files[0]) as copy:
        assert copy.execute("SELECT COUNT(*) FROM catalog_track").fetchone() == (6,)


def test_a_chosen_folder_is_named_for_the_start_that_is_asked_for(world: World, settings: LazySettings) -> None:
    moved = world.root.with_name("moved")
    world.root.rename(moved)
    maintenance.ask("folder", world.now, path=str(moved))
    maintenance.maintain()
    assert last("folder").ok and settings.MUSIC_DIR_FILE.read_text() == str(moved)
    assert (settings.DATA_DIR / "run" / "restart").exists()
    assert JobRequest.objects.is_waiting("reconcile")  # by the next start, which reads the new MUSIC_DIR
    settings.MUSIC_DIR = str(moved)
    assert storage.check(world.now).state == "online" and Library.load().root_path == str(moved)
    assert all(path.startswith(f"{moved}/") for path in Track.objects.values_list("local_path", flat=True))


def test_a_folder_that_cannot_be_leaves_everything_as_it_is(world: World, settings: LazySettings) -> None:
    maintenance.ask("folder", world.now, path=str(world.root / "no such"))
    maintenance.maintain()
    assert "is not there" in last("folder").problem
    assert not settings.MUSIC_DIR_FILE.exists() and not (settings.DATA_DIR / "run" / "restart").exists()


def test_other_files_in_the_folder_of_backups_are_left_alone(settings: LazySettings) -> None:
    mine = maintenance.backups_folder() / "mine.sqlite3"
    mine.touch()
    assert maintenance.backups() == [] and Path(mine).exists()


@SQLITE_ONLY
def test_the_database_is_looked_through_once_a_day_without_a_person(world: World) -> None:
    tasks.tick()
    assert maintenance.maintain() == "1 done"
    run = last("database")
    assert run.ok and run.ended_at
    maintenance.ask_daily(run.started_at + timedelta(hours=23))
    assert Run.objects.filter(kind="database").count() == 1
    maintenance.ask_daily(run.started_at + timedelta(hours=25))
    assert Run.objects.filter(kind="database").count() == 2


@SQLITE_ONLY
def test_a_damaged_database_is_said_with_what_is_wrong(world: World) -> None:
    with connection.cursor() as cursor:  # an index that lacks what its table holds: as a torn write leaves it
        cursor.execute("CREATE TABLE torn (a, b)")
        cursor.execute("INSERT INTO torn VALUES (1, 2)")
        cursor.execute("CREATE INDEX torn_a ON torn (a)")
        cursor.execute("PRAGMA writable_schema = ON")
        cursor.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE torn (a, b CHECK (b > 5))' WHERE name = 'torn'")
        cursor.execute("PRAGMA writable_schema = RESET")
    maintenance.ask("database", world.now)
    maintenance.maintain()
    assert last("database").ok is False and "torn" in last("database").problem


@SQLITE_ONLY
def test_a_stop_ends_the_look_through_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "STEPS_BETWEEN_LOOKS", 1)
    maintenance.ask("database", world.now)
    monkeypatch.setattr(cluster_state, "stop_is_requested", lambda: True)
    maintenance.maintain()
    assert last("database").ended_at is None
    monkeypatch.undo()
    maintenance.maintain()
    assert last("database").ok
