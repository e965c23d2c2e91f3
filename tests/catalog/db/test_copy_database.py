"""A copy of the database holds every row as it was, also after it was cut short, and nothing is written over."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import dj_database_url
import psycopg
import pytest
from django.db import connection, connections

from catalog.db import copy_database as module
from catalog.db.copy_database import CannotCopy, copy_database
from catalog.models import Collection, Event, Run, Track
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "copy.sqlite3"


@pytest.fixture
def library(world: World) -> World:
    """Rows with everything that two databases write differently: moments, JSON, big numbers, scripts, nothing."""
    track = next(iter(world.tracks.values()))
    Event.objects.create(track=track, at=NOW, kind="fail", reason="Żółć — 音楽 \u202e🎵")
    Run.objects.create(kind="sync", started_at=NOW, ok=None, report={"a": [1, 2.5, None, "é"], "b": {}})
    Track.objects.filter(pk=track.pk).update(size=2**40, retry_after=NOW)
    return world


@pytest.fixture
def quick_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """The target's tables are those of the test database, by their own statements: migrating takes five seconds."""
    if connection.vendor != "sqlite":
        pytest.skip("copies SQLite's own schema")

    def make_tables(command: str, database: str, **options: object) -> None:
        if "django_migrations" in connections[database].introspection.table_names():
            return
        with connection.cursor() as source, connections[database].cursor() as copy:
            source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'")
            for (statement,) in source.fetchall():
                copy.execute(statement)

    monkeypatch.setattr(module, "call_command", make_tables)


def copied(path: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(statement).fetchall()


def test_every_row_arrives_and_the_present_database_stays(library: World, quick_schema: None, target: Path) -> None:
    before = list(Track.objects.order_by("pk").values())
    report = copy_database(f"sqlite:///{target}")
    assert report.resumed == 0 and report.rows > Track.objects.count() + Collection.objects.count()
    assert copied(target, "SELECT count(*) FROM catalog_track") == [(len(before),)]
    assert list(Track.objects.order_by("pk").values()) == before
    assert copied(target, "SELECT name FROM sqlite_master WHERE name = 'tonekeep_copy'") == []


def test_the_next_row_of_the_copy_gets_a_key_of_its_own(library: World, quick_schema: None, target: Path) -> None:
    copy_database(f"sqlite:///{target}")
    with closing(sqlite3.connect(target)) as database:
        columns = "title, identity, status, retry_after"
        names = [row[1] for row in database.execute("PRAGMA table_info(catalog_track)")]
        assert {name.strip() for name in columns.split(",")} <= set(names)
        ((largest,),) = database.execute("SELECT max(id) FROM catalog_track").fetchall()
        ((sequence,),) = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'catalog_track'").fetchall()
    assert sequence >= largest


def test_a_database_that_is_not_empty_is_left_alone(library: World, target: Path) -> None:
    with closing(sqlite3.connect(target)) as database:
        database.execute("CREATE TABLE somebodys (x)")
    with pytest.raises(CannotCopy, match="not empty"):
        copy_database(f"sqlite:///{target}")
    assert copied(target, "SELECT name FROM sqlite_master") == [("somebodys",)]


def test_the_database_in_use_is_no_target(library: World) -> None:
    name, port = connection.settings_dict["NAME"], connection.settings_dict.get("PORT") or 5432
    url = f"sqlite:///{name}" if connection.vendor == "sqlite" else f"postgres://root@127.0.0.1:{port}/{name}"
    with pytest.raises(CannotCopy, match="in use"):
        copy_database(url)


@pytest.mark.parametrize("url", ["mysql://user:hunter2@host/name", "nonsense", "sqlite://:memory:"])
def test_an_address_that_cannot_be_used_is_said_without_its_password(library: World, url: str) -> None:
    with pytest.raises(CannotCopy) as refused:
        copy_database(url)
    assert "postgres://user:password@host/name" in str(refused.value) and "hunter2" not in str(refused.value)


class Killed(BaseException):
    """Ends the copy at once, as a kill does: nothing of the program may catch it."""


@pytest.mark.parametrize("after", (0, 1, 5, 17, 30))
def test_a_copy_that_was_cut_short_goes_on_where_it_was(
    library: World, quick_schema: None, target: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    batches = 0

    def kill(done: int, total: int) -> None:
        nonlocal batches
        batches += 1
        if batches > after:
            raise Killed

    with pytest.raises(Killed):
        copy_database(f"sqlite:///{target}", kill)
    report = copy_database(f"sqlite:///{target}")
    assert copied(target, "SELECT count(*) FROM catalog_track") == [(Track.objects.count(),)]
    assert copied(target, "SELECT count(*) FROM catalog_event") == [(Event.objects.count(),)]
    assert report.resumed > 0 or after == 0


def test_rows_that_changed_between_two_tries_are_noticed_and_copied_anew(
    library: World, quick_schema: None, target: Path
) -> None:
    def kill(done: int, total: int) -> None:
        if done == total:
            raise Killed

    with pytest.raises(Killed):
        copy_database(f"sqlite:///{target}", kill)
    Track.objects.filter(pk=Track.objects.order_by("pk")[0].pk).update(title="Another title")
    with pytest.raises(CannotCopy, match="run the same command again"):
        copy_database(f"sqlite:///{target}")
    copy_database(f"sqlite:///{target}")
    assert copied(target, "SELECT count(*) FROM catalog_track WHERE title = 'Another title'") == [(1,)]


def test_the_copy_of_somebody_else_is_not_gone_on_with(library: World, target: Path) -> None:
    with closing(sqlite3.connect(target)) as database:
        database.execute("CREATE TABLE tonekeep_copy (source varchar(500), state varchar(20))")
        database.execute("INSERT INTO tonekeep_copy VALUES ('another', 'copying')")
        database.commit()
    with pytest.raises(CannotCopy, match="another copy"):
        copy_database(f"sqlite:///{target}")


@pytest.fixture
def empty_postgres() -> Iterator[str]:
    """The address of an empty PostgreSQL database, which goes again."""
    server = os.environ.get("TEST_DATABASE_URL", "postgres://root@127.0.0.1:5432/test")
    name = f"tonekeep_copy_{os.getpid()}"
    try:
        admin = psycopg.connect(server, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError:
        pytest.skip("PostgreSQL does not answer")
    with admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.execute(f"CREATE DATABASE {name}")
    yield server.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.long
def test_to_postgresql_and_back_nothing_changes(
    library: World, empty_postgres: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There by `copy_database`; back with PostgreSQL as the present database, into a file that equals the first."""
    there = copy_database(empty_postgres)
    rows = {model: list(model._base_manager.order_by("pk").values()) for model in module._models()}
    home = connections.settings["default"]
    connections["default"].close()
    other = connections.configure_settings({"default": dict(dj_database_url.parse(empty_postgres))})["default"]
    monkeypatch.setitem(connections.settings, "default", other)
    old = connections["default"]
    del connections["default"]
    try:
        assert {model: list(model._base_manager.order_by("pk").values()) for model in module._models()} == rows
        back = copy_database(f"sqlite:///{target}")
        assert back.rows == there.rows
        new = Track.objects.create(title="New", identity="new")
        assert new.pk > max(row["id"] for row in rows[Track])
    finally:
        connections["default"].close()
        connections["default"] = old
        connections.settings["default"] = home
    assert copied(target, "SELECT count(*) FROM catalog_track") == [(len(rows[Track]),)]
