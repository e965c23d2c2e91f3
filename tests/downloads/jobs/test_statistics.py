"""SQLite knows how its rows are spread, since the last whole pass at the latest."""

from __future__ import annotations

import pytest
from django.db import connection

from catalog.models import Track
from downloads.jobs import backlog, statistics
from tests.world import World

pytestmark = pytest.mark.django_db


def known() -> int:
    with connection.cursor() as cursor:
        return statistics._songs_known(cursor)


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL counts by itself")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("DELETE FROM sqlite_stat1")


def test_a_whole_pass_lets_sqlite_count_its_rows(world: World) -> None:
    backlog.reconcile_and_wake(world.now)
    before = known()
    assert before == Track.objects.count()
    world.make_track("Another", number=9)
    backlog.reconcile_and_wake(world.now)
    assert known() == before, "a quick pass over a library that has hardly grown writes nothing"
    backlog.reconcile_and_wake(world.now, full=True)
    assert known() == before + 1


def test_a_library_that_has_doubled_is_counted_anew(world: World) -> None:
    statistics.refresh(always=True)
    before = known()
    for number in range(Track.objects.last_id() + 1):
        world.make_track(f"More {number}", number=number)
    statistics.refresh(always=False)
    assert known() > 2 * before
