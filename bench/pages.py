"""How long the server takes for every page of a large library, and how heavy each page is.

    python bench/pages.py [--tracks 1000000] [--db sqlite|postgres] [--runs 40] [--cpu] [--only WORD] [--place FOLDER]

The catalog is that of `bench/queries.py`, with what downloads leave behind; with `--place` it is made there once and
kept, and migrated when it is used again. A page's time is the server's: middleware, view, template; 95 of 100 runs stay
below it. With `--cpu` it is the time of the processors, that of PostgreSQL's one process for us among it. Its weight is
what travels, compressed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.reconcile import machine
from bench.rows import KEPT, fill, json_list, moment
from bench.setup import configure, settle_database, use

TARGETS = {"sqlite": 30, "postgres": 60}  # ms, p95
SEARCH = 1_000  # ms, pages that look for words
HEAVIEST = 60_000  # bytes, without covers
LATELY = 300_000  # events of the last weeks

YARDSTICK = "six counters"  # as in `bench/queries.py`: how much slower a busy machine is
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
    *("/tracks?status=review", "/tracks?status=plan_fetch", "/activity?kind=people"),
    *("/tracks?status=missing", "/tracks?status=not_wanted", "/tracks?since={week}", "/tracks?sort=artist"),
    *("/tracks?sort=album", "/tracks?status=failed&sort=artist", "/tracks?status=missing&sort=album"),
    *("/albums", "/albums?sort=newest", "/albums?from=b", "/artists", "/artists?sort=newest"),
    *("/tracks/{track}", "/decide/{track}", "/albums/{album}", "/artists/{artist}", "/collections"),
    *("/collections/{collection}", "/bin", "/activity", "/activity?kind=arrived", "/activity?kind=failed"),
    *("/activity?kind=files", "/activity?kind=failed&error=no_match", "/settings", "/settings/downloads", "/health"),
    *("/log", "/connect", "/import", "/paths", "/tags", "/messages", "/players", "/people", "/account"),
    *("/covers/{album}", "/tracks?q=nowhere", "/albums?q=nowhere", "/artists?q=nowhere"),
)


def use_it() -> None:
    """What a library has that was filled by downloads and is looked after: events, sound, tags, questions, covers.

    The events of the last weeks are mostly arrivals, with some failures and few of any other kind. A third of the
    failures waits for a choice between three recordings.
    """
    from django.db import connection
    from django.utils import timezone

    newest = int(timezone.now().timestamp())
    lately = moment(f"{newest} - (id % {80 * 86_400})", connection.vendor)
    asked = "FROM catalog_track WHERE error_kind = 'needs_decision'"
    here = "FROM catalog_track WHERE status = 'downloaded'"
    no, some, now = "(1 = 0)", json_list("'Artist'", connection.vendor), moment(str(newest), connection.vendor)
    nothing = "''::bytea" if connection.vendor == "postgresql" else "x''"
    found = f"'youtube', 'https://youtu.be/', 'song', title, {some}, 'Album', duration_ms, 70, {some}, '', '', ''"
    statements = [
        "UPDATE catalog_track SET error_kind = 'needs_decision' WHERE error_kind = 'no_match' AND id % 3 = 0",
        "UPDATE catalog_event SET kind = 'adopt', reason = 'tags' WHERE id % 100 = 2 AND id % 500 > 400",
        "UPDATE catalog_event SET error_kind = 'no_match' WHERE kind = 'fail'",
        f"UPDATE catalog_event SET at = {lately} WHERE id > (SELECT MAX(id) FROM catalog_event) - {LATELY}",
        *(
            "INSERT INTO downloads_candidate (track_id, source, url, kind, title, artists, album, duration_ms, score, "
            "reasons, verdict, why, isrc, fingerprint, found_at, source_id) "
            f"SELECT id, {found}, {nothing}, {now}, '{number} ' || id {which}"
            for number, which in enumerate((asked, asked, asked, here))
        ),
        "INSERT INTO downloads_sound (track_id, duration_ms, codec, fingerprint, same_as_id, heard_at, proved_at) "
        f"SELECT id, duration_ms, 'opus', {nothing}, CASE WHEN id % 1000 = 5 THEN id + 1 END, {now}, {now} {here}",
        'INSERT INTO downloads_writtentags (track_id, fields, digest, "foreign", kept, before) '
        f"SELECT id, '{{}}', '', id % 50 = 7, '[]', '{{}}' {here}",
        "INSERT INTO catalog_alias (key, track_id, apart, isrc) "
        f"SELECT 'spotify:' || spotify_id, id, {no}, isrc FROM catalog_track",
        "INSERT INTO catalog_doubt (track_id, file, size, why, rejected, better, accepted_by) "
        f"SELECT id, 'Other/' || id || '.mp3', 1, 'Its length differs.', {no}, {no}, '' FROM catalog_track "
        "WHERE status = 'missing' AND id % 100 = 2 AND id % 1000 > 500",
        f"INSERT INTO downloads_albumcover (album_id, address, kept, size) SELECT id, '', {no}, 0 FROM catalog_album",
    ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def processors() -> Callable[[], float]:
    """A clock of the seconds that the processors spent on this process and on its connection's in PostgreSQL."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return time.process_time
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SELECT pg_backend_pid()")
        used = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    return lambda: time.process_time() + int(used.read_text().split()[0]) / 1e9


def measured(only: str, runs: int, clock: Callable[[], float]) -> dict[str, dict[str, float]]:
    """p95 in milliseconds and weight in bytes of each page."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.utils import timezone

    from catalog.models import Album, Artist, Collection, Library, Service, Track

    Library.objects.update_or_create(pk=1, defaults={"root_path": "/music", "accepted_up_to": 10**9})
    Service.objects.update_or_create(name="storage", defaults={"state": "online", "checked_at": timezone.now()})
    client = Client(headers={"host": "localhost", "accept": "text/html", "accept-encoding": "gzip"})
    client.force_login(User.objects.filter(username="bench").first() or User.objects.create_superuser("bench"))
    middle = {
        name: model.objects.count() // 2 for name, model in (("track", Track), ("album", Album), ("artist", Artist))
    }
    middle["collection"] = Collection.objects.latest("pk").pk
    week = f"{timezone.now() - timedelta(days=7):%Y-%m-%d}"
    for page in PAGES:
        client.get(page.format(week=week, **middle))
    gc.collect()
    gc.freeze()  # as the server does once it has imported everything
    found = {YARDSTICK: timed(lambda: Track.objects.counts(), runs, clock)}
    for page in PAGES:
        if only in page:
            found[page] = one(client, page.format(week=week, **middle), runs, clock)
    return found


def one(client: Any, address: str, runs: int, clock: Callable[[], float]) -> dict[str, float]:
    figures = timed(lambda: client.get(address), runs, clock)
    answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    figures["bytes"] = sum(map(len, answer.streaming_content)) if answer.streaming else len(answer.content)
    return figures


def timed(work: Callable[[], object], runs: int, clock: Callable[[], float]) -> dict[str, float]:
    """p95 and median of some runs and the time of one before them, in milliseconds."""
    times = []
    for _ in range(runs + 1):
        began = clock()
        work()
        times.append((clock() - began) * 1000)
    first, *rest = times
    p95 = statistics.quantiles(rest, n=20)[-1]
    return {"p95": round(p95, 1), "median": round(statistics.median(rest), 1), "first": round(first, 1), "bytes": 0}


def too_much(page: str, figures: dict[str, float], db: str) -> bool:
    limit = SEARCH if "q=" in page else TARGETS[db]
    return figures["p95"] > limit or figures["bytes"] > HEAVIEST


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=1_000_000)
    parser.add_argument("--db", choices=list(TARGETS), default="sqlite")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--only", default="", help="pages whose address contains this")
    parser.add_argument("--cpu", action="store_true", help="the time of the processors: for a busy machine")
    parser.add_argument("--place", help="a folder whose library is kept and used again")
    parser.add_argument("--json", action="store_true", help="the results as one line, last on stdout")
    options = parser.parse_args()
    place = options.place or tempfile.mkdtemp(prefix="tonekeep-pages-")
    made = Path(place, f"{options.db}-{options.tracks}")
    try:
        if made.exists():
            use(place, options.db)
        else:
            configure(place, options.db)
            fill(options.tracks, KEPT)
            use_it()
            made.touch()
        settle_database()  # as PostgreSQL does by itself, and the product on SQLite after the daily pass
        clock = processors() if options.cpu else time.perf_counter
        found = measured(options.only, options.runs, clock)
    finally:
        if not options.place:
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
