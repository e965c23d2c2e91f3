"""How long the server takes for every page of a large library, and how heavy each page is.

    python bench/pages.py [--tracks 1000000] [--db sqlite|postgres] [--runs 40] [--cpu] [--only WORD] [--json]

The catalog is that of `bench/queries.py`, some of its events moved to the last weeks. A page's time is the server's:
middleware, view, template; 95 of 100 runs stay below it. Its weight is what travels, compressed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.reconcile import machine
from bench.rows import KEPT, fill
from bench.setup import configure, settle_database

TARGETS = {"sqlite": 30, "postgres": 60}  # ms, p95
SEARCH = 1_000  # ms, pages that look for words
HEAVIEST = 60_000  # bytes, without covers
LATELY = 300_000  # events of the last weeks

PAGES = (
    *(
        "/",
        "/queue",
        "/queue?view=cooling",
        "/plan",
        "/start",
        "/todo",
        "/failures",
        "/decide",
        "/decide/desk",
        "/adopt",
    ),
    *("/tracks", "/tracks?status=failed", "/tracks?status=failed&sort=failed", "/tracks?status=waiting&sort=due"),
    *("/tracks?status=missing", "/tracks?status=not_wanted", "/tracks?since={week}", "/tracks?sort=artist"),
    *("/tracks?sort=album", "/tracks?status=failed&sort=artist", "/tracks?status=missing&sort=album"),
    *("/albums", "/albums?sort=newest", "/albums?from=b", "/artists", "/artists?sort=newest"),
    *("/tracks/{track}", "/decide/{track}", "/albums/{album}", "/artists/{artist}", "/collections"),
    *("/collections/{collection}", "/bin", "/activity", "/activity?kind=arrived", "/activity?kind=failed"),
    *("/activity?kind=files", "/activity?kind=failed&error=no_match", "/settings", "/settings/downloads", "/health"),
    *("/log", "/connect", "/import", "/paths", "/tags", "/messages", "/players", "/people", "/account"),
    *("/covers/{album}", "/tracks?q=nowhere", "/albums?q=nowhere", "/artists?q=nowhere"),
)


def history() -> None:
    """Events of the last weeks, as a library has them that is still filled: mostly arrivals, some failures."""
    from django.db import connection
    from django.utils import timezone

    moment = (
        "datetime(%s - (id %% %s), 'unixepoch')" if connection.vendor == "sqlite" else "to_timestamp(%s - (id %% %s))"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE catalog_event SET at = {moment}, error_kind = CASE WHEN kind = 'fail' THEN 'no_match' ELSE '' END "
            "WHERE id <= %s",
            [int(timezone.now().timestamp()), 80 * 86_400, LATELY],
        )


def measured(only: str, runs: int, clock: Any) -> dict[str, dict[str, float]]:
    """p95 in milliseconds and weight in bytes of each page."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.utils import timezone

    from catalog.models import Album, Artist, Collection, Library, Service, Track

    Library.objects.update_or_create(pk=1, defaults={"root_path": "/music", "accepted_up_to": 10**9})
    Service.objects.update_or_create(name="storage", defaults={"state": "online", "checked_at": timezone.now()})
    client = Client(headers={"host": "localhost", "accept": "text/html", "accept-encoding": "gzip"})
    client.force_login(User.objects.create_superuser("bench", "", "bench"))
    middle = {
        name: model.objects.count() // 2 for name, model in (("track", Track), ("album", Album), ("artist", Artist))
    }
    middle["collection"] = Collection.objects.latest("pk").pk
    week = f"{timezone.now() - timedelta(days=7):%Y-%m-%d}"
    found = {}
    for page in PAGES:
        if only in page:
            found[page] = one(client, page.format(week=week, **middle), runs, clock)
    return found


def one(client: Any, address: str, runs: int, clock: Any) -> dict[str, float]:
    times = []
    for _ in range(runs + 1):
        began = clock()
        answer = client.get(address)
        times.append((clock() - began) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}")
    weight = sum(map(len, answer.streaming_content)) if answer.streaming else len(answer.content)
    first, *rest = times
    p95 = statistics.quantiles(rest, n=20)[-1]
    return {
        "p95": round(p95, 1),
        "median": round(statistics.median(rest), 1),
        "first": round(first, 1),
        "bytes": weight,
    }


def too_much(page: str, figures: dict[str, float], db: str) -> bool:
    limit = SEARCH if "q=" in page else TARGETS[db]
    return figures["p95"] > limit or figures["bytes"] > HEAVIEST


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--db", choices=list(TARGETS), default="sqlite")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--only", default="", help="pages whose address contains this")
    parser.add_argument("--cpu", action="store_true", help="the process's own time: for SQLite on a busy machine")
    parser.add_argument("--json", action="store_true", help="the results as one line, last on stdout")
    options = parser.parse_args()
    place = tempfile.mkdtemp(prefix="tonekeep-pages-")
    try:
        configure(place, options.db)
        fill(options.tracks, KEPT)
        history()
        settle_database()
        clock = time.process_time if options.cpu else time.perf_counter
        found = measured(options.only, options.runs, clock)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(f"{'page':45} {'p95 ms':>8} {'median':>8} {'first':>8} {'bytes':>8}")
    for page, figures in found.items():
        mark = " too much" if too_much(page, figures, options.db) else ""
        columns = (f"{figures[name]:>8,.0f}" if name == "bytes" else f"{figures[name]:>8.1f}" for name in figures)
        print(f"{page:45} {' '.join(columns)}{mark}")
    if options.json:
        print(json.dumps({"db": options.db, "tracks": options.tracks, "machine": machine(), "pages": found}))


if __name__ == "__main__":
    main()
