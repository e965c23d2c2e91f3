"""Each set is read through the index that was made for it, in its order, whether or not SQLite has statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count

from catalog.models import Event, Track
from catalog.reports.listings import LISTINGS, albums, artists
from catalog.tracks import transitions
from tests.world import hour_later

NOW = hour_later()
PAGE = 101

# What is asked, and the index that must answer it.
SETS: dict[str, tuple[Callable[[], Any], str]] = {
    "the queue": (lambda: LISTINGS["ready"].rows(NOW)[:PAGE], "track_due"),
    "cooling": (lambda: LISTINGS["cooling"].rows(NOW)[:PAGE], "track_due"),
    "missing": (lambda: LISTINGS["missing"].rows(NOW)[:PAGE], "track_missing"),
    "downloaded": (lambda: LISTINGS["downloaded"].rows(NOW)[:PAGE], "track_downloaded"),
    "failed": (lambda: LISTINGS["failed"].rows(NOW)[:PAGE], "track_failed"),
    "failed by kind": (
        lambda: Track.objects.filter(status="missing", error_kind="no_match").exclude(last_error="")[:PAGE],
        "track_failed_by_kind",
    ),
    "not wanted": (lambda: LISTINGS["not_wanted"].rows(NOW)[:PAGE], "track_not_wanted"),
    "claims that expired": (lambda: Track.objects.expired(NOW).order_by(), "track_claims"),
    "failed, the last first": (
        lambda: (
            Track.objects.failed().filter(failed_at__isnull=False).order_by("-failed_at", "-pk").values("pk")[:PAGE]
        ),
        "track_failed_lately",
    ),
    "albums by title": (lambda: albums().order_by("sort_key", "pk")[:PAGE], "album_by_title"),
    "artists by name": (lambda: artists().order_by("sort_key", "pk")[:PAGE], "artist_by_name"),
    "failures, the last first": (lambda: Event.objects.filter(kind="fail").order_by("-at", "-pk"), "event_by_kind"),
    "failures of a week, by their kind": (
        lambda: (
            Event.objects.filter(kind="fail", at__gte=NOW)
            .order_by()
            .values_list("error_kind")
            .annotate(number=Count("pk"))
        ),
        "event_by_kind",
    ),
    "songs of a week": (lambda: Track.objects.wanted().filter(added_at__gte=NOW).order_by(), "track_added"),
}
# As ANALYZE leaves it in a library of a million of which 3 % is due and 1 % has failed, and in a fresh one.
STATISTICS = {
    "none": {},
    "kept": {
        "track_due": "40000 40000 2 1",
        "track_missing": "40000 40000 1 1",
        "track_downloaded": "950000 950000 1 1",
        "track_failed": "10000 10000 1",
        "track_failed_lately": "10000 10000 1 1",
        "track_failed_by_kind": "10000 5000 5000 1",
        "track_not_wanted": "10000 1",
        "track_places": "1000000 12 1 1 1",
    },
    "fresh": {
        "track_due": "990000 990000 2 1",
        "track_missing": "990000 990000 1 1",
        "track_not_wanted": "10000 1",
        "track_places": "1000000 1000000 1000000 1000000 1000000",
    },
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("name", SETS)
def test_a_set_is_read_through_its_index_and_in_its_order(name: str, statistics: str) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads tables this small as a whole")
    rows, index = SETS[name]
    pretend(STATISTICS[statistics])
    try:
        plan = rows().explain()
    finally:
        pretend({})
    assert f"INDEX {index}" in plan, plan
    assert "TEMP B-TREE" not in plan.replace("TEMP B-TREE FOR GROUP BY", ""), plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statistics", STATISTICS)
def test_a_claim_finds_the_next_track_at_the_head_of_an_index(statistics: str) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads tables this small as a whole")
    pretend(STATISTICS[statistics])
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN SELECT id FROM catalog_track WHERE {transitions.FIRST_DUE}", [NOW])
            plan = str(cursor.fetchall())
    finally:
        pretend({})
    assert "INDEX track_due" in plan and "TEMP B-TREE" not in plan, plan


def pretend(statistics: dict[str, str]) -> None:
    """Give SQLite these statistics of the tracks, and no others; they are read when a connection opens."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("DELETE FROM sqlite_stat1")
        for index, stat in statistics.items():
            cursor.execute("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('catalog_track', %s, %s)", [index, stat])
    connection.close()
