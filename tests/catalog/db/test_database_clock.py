"""One time for all hosts, whatever their own clocks say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, connection

from catalog.db import database_clock

HOUR = timedelta(hours=1)
TRUE = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A machine whose clock is an hour ahead of the database's; ``elapsed`` is a test's to move."""
    state = {"elapsed": 1000.0, "asked": 0}

    def database_time() -> datetime:
        state["asked"] += 1
        if state.get("broken"):
            raise DatabaseError
        return TRUE + timedelta(seconds=state["elapsed"] - 1000)

    monkeypatch.setattr(database_clock, "_last", database_clock._Measured())
    monkeypatch.setattr(database_clock, "elapsed", lambda: state["elapsed"])
    monkeypatch.setattr(database_clock, "_database_time", database_time)
    own_clock = SimpleNamespace(now=lambda: TRUE + HOUR + timedelta(seconds=state["elapsed"] - 1000))
    monkeypatch.setattr(database_clock, "timezone", own_clock)
    monkeypatch.setattr(database_clock, "connection", SimpleNamespace(vendor="postgresql", needs_rollback=False))
    return state


def test_a_host_whose_clock_is_an_hour_ahead_goes_by_the_databases(machine: dict[str, float]) -> None:
    assert database_clock.now() == TRUE
    machine["elapsed"] += 59
    assert (database_clock.now(), machine["asked"]) == (TRUE + timedelta(seconds=59), 1)
    machine["elapsed"] += 1
    assert (database_clock.now(), machine["asked"]) == (TRUE + timedelta(minutes=1), 2)


def test_a_database_that_does_not_answer_leaves_the_time_as_it_was_measured(machine: dict[str, float]) -> None:
    database_clock.now()
    machine |= {"broken": 1, "elapsed": 1100.0}
    assert [database_clock.now() for _ in range(3)] == [TRUE + timedelta(seconds=100)] * 3
    assert machine["asked"] == 2, "it is not asked each time"
    machine |= {"broken": 0, "elapsed": 1105.0}
    assert database_clock.now() == TRUE + timedelta(seconds=105) and machine["asked"] == 3


def test_a_transaction_that_has_failed_is_not_asked_in(
    machine: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_clock.connection, "needs_rollback", True)
    assert database_clock.now() == TRUE + HOUR and machine["asked"] == 0


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has the machine's clock")
def test_the_databases_time_is_not_that_of_its_transaction() -> None:
    assert database_clock._database_time() < database_clock._database_time()
