"""A long write leaves the database to others now and then, and never while it holds it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from catalog.db import write_yield
from catalog.ingest.replace import replace_catalog
from catalog.music.records import CollectionRecord, EntryRecord, TrackRecord

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows: nobody has to wait")
pytestmark = [pytest.mark.django_db(transaction=True), only_sqlite]


class Clock:
    """A clock that goes on by what is slept, and by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.holding: list[bool] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(self.now)
        self.holding.append(connection.in_atomic_block)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(write_yield, "time", clock)
    monkeypatch.setattr(write_yield._Writing, "began", float("-inf"))
    monkeypatch.setattr(write_yield._Writing, "latest", float("-inf"))
    return clock


def write_for(clock: Clock, seconds: float, each: float = 0.25) -> None:
    for _ in range(int(seconds / each)):
        clock.now += each
        write_yield.yield_write_lock()


def test_after_each_second_of_writing_there_is_a_pause(clock: Clock) -> None:
    write_for(clock, 0.75)
    assert clock.slept == []
    write_for(clock, 4.25)
    assert len(clock.slept) == 4


def test_short_writes_with_time_between_them_are_never_held_up(clock: Clock) -> None:
    for _ in range(20):
        write_for(clock, 0.5)
        clock.now += 2.0
    assert clock.slept == []


def test_nobody_sleeps_while_holding_the_database(clock: Clock) -> None:
    with transaction.atomic():
        write_for(clock, 5.0)
    assert clock.slept == []


def test_a_large_collection_is_written_with_pauses(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.ingest.replace.BATCH", 20)
    monkeypatch.setattr("catalog.ingest.resolve.CHUNK", 20)
    monkeypatch.setattr(write_yield, "STRETCH", 0.0)
    songs = [EntryRecord(track=TrackRecord(f"Song {number}", ("The Tests",))) for number in range(100)]
    replace_catalog([CollectionRecord("file", "a", "A", songs)], datetime(2026, 11, 22, tzinfo=UTC))
    assert len(clock.slept) >= 10 and not any(clock.holding)  # five chunks of tracks, five batches of entries
