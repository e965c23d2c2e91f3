"""Each set is read through the index that was made for it, in its order, whether or not there are statistics."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from bench.rows import EPOCH, fill
from catalog.models import Event, Track
from catalog.reports.listings import LISTINGS, albums, artists
from catalog.tracks import transitions
from downloads.review import questions
from downloads.views.library.coverage import library_coverage
from downloads.views.todo import overview
from tests.world import hour_later

of_sqlite = pytest.mark.skipif(not settings.SQLITE, reason="SQLite's plans")
of_postgresql = pytest.mark.skipif(settings.SQLITE, reason="PostgreSQL's plans")

NOW = hour_later()
PAGE = 101
TRACKS = 2000  # with an event for each, a second apart, since EPOCH
WEEK_AGO = datetime.fromtimestamp(EPOCH, UTC) + timedelta(seconds=TRACKS / 2)

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
            Event.objects.filter(kind="fail", at__gte=WEEK_AGO)
            .order_by()
            .values_list("error_kind")
            .annotate(number=Count("pk"))
        ),
        "event_by_kind",
    ),
    "songs of a week": (lambda: Track.objects.filter(added_at__gte=NOW).order_by().values("pk"), "track_added"),
    "moved files, the last first": (lambda: Event.objects.filter(kind="move").order_by("-at", "-pk"), "event_by_kind"),
}
# Joined with other tables, of which PostgreSQL's plan would name the indexes too.
JOINED: dict[str, tuple[Callable[[], Any], str]] = {
    "questions of a kind": (lambda: questions.by_kind()[0].order_by("pk")[:PAGE], "track_failed_by_kind"),
}
# What is counted or summed up, of sets of any size: no row of the table is looked at.
SUMS: dict[str, Callable[[], Any]] = {
    "failed of a kind": lambda: Track.objects.failed().filter(error_kind="no_match").count(),
    "failed that ask a person": lambda: library_coverage(
        dict.fromkeys(("missing", "downloaded", "downloading"), 9), 5, NOW
    ),
    "songs of a week": lambda: Track.objects.wanted().filter(added_at__gte=NOW).count(),
    "missing after the last plan": lambda: Track.objects.filter(pk__gt=5).missing().count(),
    "here after the last plan": lambda: Track.objects.filter(pk__gt=5).downloaded().count(),
}
CLAIM = f"SELECT id FROM catalog_track WHERE {transitions.FIRST_DUE}"
# As ANALYZE leaves it in a library of a million of which 3 % is due and 1 % has failed, and in a fresh one.
STATISTICS = {
    "none": {},
    "kept": {
        "track_due": "40000 40000 2 1",
        "track_missing": "40000 40000 1 1",
        "track_downloaded": "950000 950000 1 1",
        "track_failed": "10000 10000 1",
        "track_failed_lately": "10000 10000 1 1",
        "track_failed_by_kind": "10000 5000 5000 1 1 1",
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


@of_sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("name", SETS | JOINED)
def test_a_set_is_read_through_its_index_and_in_its_order(name: str, statistics: str) -> None:
    rows, index = (SETS | JOINED)[name]
    pretend(STATISTICS[statistics])
    try:
        plan = rows().explain()
    finally:
        pretend({})
    assert f"INDEX {index}" in plan, plan
    assert "TEMP B-TREE" not in plan.replace("TEMP B-TREE FOR GROUP BY", ""), plan


@of_sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("name", SUMS)
def test_a_sum_reads_an_index_alone(name: str, statistics: str) -> None:
    pretend(STATISTICS[statistics])
    try:
        with CaptureQueriesContext(connection) as asked:
            SUMS[name]()
        assert asked.captured_queries
        assert [query["sql"] for query in asked if reads_the_table(query["sql"])] == []
    finally:
        pretend({})


@of_sqlite
@pytest.mark.django_db(transaction=True)
def test_failures_are_counted_by_reason_from_an_index_alone_once_sqlite_knows_how_many_there_are() -> None:
    pretend(STATISTICS["kept"])
    try:
        with CaptureQueriesContext(connection) as asked:
            list(overview.by_reason())
        assert [query["sql"] for query in asked if reads_the_table(query["sql"])] == []
    finally:
        pretend({})


@of_sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statistics", STATISTICS)
def test_a_claim_finds_the_next_track_at_the_head_of_an_index(statistics: str) -> None:
    pretend(STATISTICS[statistics])
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {CLAIM}", [NOW])
            plan = str(cursor.fetchall())
    finally:
        pretend({})
    assert "INDEX track_due" in plan and "TEMP B-TREE" not in plan, plan


@of_postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(("library", "statistics"), [("kept", True), ("kept", False), ("fresh", True)])
def test_postgresql_looks_at_no_row_that_is_not_in_the_set(library: str, statistics: bool) -> None:
    """Its statistics cannot be pretended: it looks how large the table's file is. So there are rows, of one library
    for all sets (a fifth of a second), and what is cheaper only because they are few is switched off: reading the
    whole table, and sorting. Then an index serves the set in its order, or the plan shows one of the two.
    """
    fill(TRACKS, library)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if statistics else "SELECT 1")
        for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (ANALYZE) {CLAIM} FOR UPDATE SKIP LOCKED", [NOW])
        plans = {("the claim", "track_due"): "\n".join(line for (line,) in cursor.fetchall())}
    plans |= {(name, index): rows().explain(analyze=True) for name, (rows, index) in SETS.items()}
    assert {name: plan for (name, index), plan in plans.items() if not is_served(plan, index)} == {}


def is_served(plan: str, index: str) -> bool:
    """Whether the set was read through its index, or through the primary key where nearly all rows are in it."""
    removed = sum(map(int, re.findall(r"Rows Removed by [\w ]+: (\d+)", plan)))
    read = set(re.findall(r"using (\w+)", plan))
    return read <= {index, "catalog_track_pkey"} and removed <= PAGE / 10 and not re.search("Seq Scan|Sort", plan)


def reads_the_table(sql: str) -> bool:
    """Whether SQLite's program for a statement reads the table of the tracks itself, not an index alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rootpage FROM sqlite_master WHERE name = 'catalog_track'")
        (root,) = cursor.fetchone()
        cursor.execute(f"EXPLAIN {sql}")
        program = cursor.fetchall()
    table = {step[2] for step in program if step[1] == "OpenRead" and step[3] == root}
    return any(step[1] == "Column" and step[2] in table for step in program)


def pretend(statistics: dict[str, str]) -> None:
    """Give SQLite these statistics of the tracks, and no others; they are read when a connection opens."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("DELETE FROM sqlite_stat1")
        for index, stat in statistics.items():
            cursor.execute("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('catalog_track', %s, %s)", [index, stat])
    connection.close()
