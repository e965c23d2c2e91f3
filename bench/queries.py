"""How long the questions take that pages and workers ask the catalog, and how that grows with it.

    python bench/queries.py [--tracks 10000 100000 1000000] [--library kept|fresh] [--db sqlite|postgres] [--json]

Each size has a database of its own, in a process of its own. `kept` is a library of which 3 % is due and 1 % has
failed, `fresh` one of which everything is missing. A page's time is the server's: middleware, view, template. "Busy"
is beside a second process that claims and finishes one track after another without a pause.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.reconcile import Transactions, machine
from bench.rows import COOLED, FRESH, KEPT, fill
from bench.setup import configure, settle_database

RUNS = 25
PAGE_RUNS = 40
HOST = {"HTTP_HOST": "localhost"}
DEEP = "/admin/catalog/track/?id__gt={}"

# The measure, its unit, what it should stay below; a ratio is to the GROUP BY of the same run.
TARGETS = {
    "counters_ms": 0,
    "group_by_ms": 0,
    "counters_ratio": 0.2,
    "status_p95_ms": 30,
    "status_busy_p95_ms": 30,
    "status_json_p95_ms": 30,
    "queue_first_ms": 1,
    "queue_middle_ms": 1,
    "queue_page_ms": 0,
    "claim_ms": 1,
    "claim_p99_ms": 0,
    "songs_page_ms": 0,
    "songs_middle_ms": 0,
    "albums_page_ms": 0,
    "admin_failed_ms": 100,
    "admin_all_ms": 100,
    "admin_deep_ms": 100,
    "search_ms": 2000,
    "admin_search_ms": 2000,
    "write_p99_ms": 50,
    "writes_per_s": 0,
}


clock = time.perf_counter


def median_of(work: Callable[[], object], runs: int) -> float:
    """Median seconds by `clock`; a first run is thrown away."""
    work()
    times = []
    for _ in range(runs):
        began = clock()
        work()
        times.append(clock() - began)
    return statistics.median(times)


# --- The cases --------------------------------------------------------------------------------------------


def cases(library: str) -> dict[str, float]:
    """Every measure over the configured, filled database, in milliseconds unless its name says otherwise."""
    from django.conf import settings

    settings.STATUS_PUBLIC = True
    found = counters() | paging() | pages() | admin_pages() | claims()
    with Writer() as writer:
        found["status_busy_p95_ms"] = p95(opened("/"))
    return found | writer.said


def counters() -> dict[str, float]:
    """Our six against three by GROUP BY, which is answered from an index alone."""
    from catalog.models import Track

    ours = median_of(Track.objects.counts, RUNS) * 1000
    group_by = "SELECT status, COUNT(*) FROM catalog_track GROUP BY status"
    theirs = median_of(lambda: rows_of(group_by), 5) * 1000
    return {"counters_ms": ours, "group_by_ms": theirs, "counters_ratio": ours / theirs}


def rows_of(statement: str) -> list[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def paging() -> dict[str, float]:
    """The rows of one page, first and from the middle of the list: 50 of the queue, 100 of all songs."""
    from django.utils import timezone

    from catalog.reports.listings import LISTINGS, albums
    from catalog.reports.status import ITEMS
    from catalog.web.keyset_pages import page_of

    now = timezone.now()

    def page(name: str, after: str, size: int) -> Callable[[], Any]:
        rows: Any = LISTINGS[name].rows(now)
        by = LISTINGS[name].by
        rows = rows.values_list(*by, named=True) if name == "ready" else rows  # as `/queue` does
        return lambda: page_of(rows, by, after, size)

    middle_due, middle_song = (middle_of(name, now) for name in ("ready", "songs"))
    timed = {
        "queue_first_ms": page("ready", "", ITEMS),
        "queue_middle_ms": page("ready", middle_due, ITEMS),
        "songs_page_ms": page("songs", "", 100),
        "songs_middle_ms": page("songs", middle_song, 100),
        "albums_page_ms": lambda: page_of(albums(), ("title", "pk")),
    }
    return {name: median_of(work, RUNS) * 1000 for name, work in timed.items()}


def middle_of(name: str, now: Any) -> str:
    """The key after which the second half of a list begins."""
    from catalog.reports.listings import LISTINGS

    rows = LISTINGS[name].rows(now)
    row = rows.order_by(*LISTINGS[name].by)[rows.count() // 2]
    key = [getattr(row, column) for column in LISTINGS[name].by]
    return json.dumps([part.isoformat() if hasattr(part, "isoformat") else part for part in key])


def pages() -> dict[str, float]:
    return {
        "status_p95_ms": p95(opened("/")),
        "status_json_p95_ms": p95(opened("/status")),
        "queue_page_ms": median_of(opened("/queue"), RUNS) * 1000,
    }


def opened(path: str, client: Any = None) -> Callable[[], object]:
    """A request for ``path`` through the whole stack."""
    from django.test import Client

    browser = client or Client(headers={"host": "localhost", "accept": "text/html"})

    def get() -> None:
        answer = browser.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}")

    return get


def p95(work: Callable[[], object]) -> float:
    """Milliseconds that 95 of 100 runs stay below."""
    work()
    times = []
    for _ in range(PAGE_RUNS):
        began = clock()
        work()
        times.append(clock() - began)
    return statistics.quantiles(times, n=20)[-1] * 1000


def admin_pages() -> dict[str, float]:
    from django.contrib.auth.models import User
    from django.db.models import Max
    from django.test import Client

    from catalog.models import Track

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("bench", "", "bench"))
    middle = Track.objects.aggregate(last=Max("pk"))["last"] // 2
    timed = {
        "admin_failed_ms": "/admin/catalog/track/?is=failed",
        "admin_all_ms": "/admin/catalog/track/",
        "admin_deep_ms": DEEP.format(middle),
        "admin_search_ms": "/admin/catalog/track/?q=nowhere",
        "search_ms": "/tracks?q=nowhere",  # what is nowhere is looked for in every row
    }
    return {name: median_of(opened(path, client), 7) * 1000 for name, path in timed.items()}


def claims() -> dict[str, float]:
    """The claim of the next due track, by one statement that answers its row; each one fails afterwards."""
    from django.utils import timezone

    from catalog.tracks import transitions

    times = []
    for _ in range(200):
        began = clock()
        track = transitions.claim(timezone.now())
        times.append((clock() - began) * 1000)
        if track is None:
            raise SystemExit("Nothing is due.")
        # No library fetches 200 songs at once: the status page would list them.
        transitions.fail(track.pk, track.claim or "", "no_match", "Nothing fits.", COOLED, timezone.now())
    return {"claim_ms": statistics.median(times), "claim_p99_ms": statistics.quantiles(times, n=100)[-1]}


# --- The busy writer --------------------------------------------------------------------------------------


class Writer:
    """A second process that finishes tracks while the block runs. ``said``: how many a second, and for how long it
    locked the database."""

    def __enter__(self) -> Writer:
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--write", *(["--cpu"] if clock is time.process_time else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.process.stdout.readline()  # it has begun
        return self

    def __exit__(self, *error: object) -> None:
        said, _ = self.process.communicate()  # closes its stdin: the end
        self.said: dict[str, float] = json.loads(said)


def write() -> None:
    """Claim, reserve, finish and lose again, until stdin is closed. The claim is a transaction of its own."""
    import select

    import django

    django.setup()
    from django.utils import timezone

    from catalog.tracks import transitions
    from catalog.tracks.place import Place

    transactions, finished, began = Transactions(clock), 0, time.perf_counter()
    print("begun", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        start = clock()
        track = transitions.claim(timezone.now())
        transactions.lasted.append(clock() - start)
        if track is None:
            break
        place = Place("/music", f"Fetched {track.pk // 12}", f"{track.pk}.mp3")
        transitions.reserve(track.pk, track.claim or "", place, 5_000_000, timezone.now())
        transitions.finish(track.pk, track.claim or "", timezone.now())
        transitions.vanish({track.pk: place.file_name}, timezone.now())  # so that there is always something to do
        finished += 1
    took = time.perf_counter() - began
    print(json.dumps({"write_p99_ms": transactions.p99_ms(), "writes_per_s": finished / took}))


# --- The run ----------------------------------------------------------------------------------------------


def measure(tracks: int, library: str, db: str, place: str) -> dict[str, float]:
    """Make the database of one size and ask."""
    configure(place, db)
    fill(tracks, library)
    settle_database()
    return {name: round(value, 3) for name, value in cases(library).items()}


def child(tracks: int, options: argparse.Namespace) -> dict[str, float]:
    place = tempfile.mkdtemp(prefix="tonekeep-bench-")
    command = [sys.executable, os.path.abspath(__file__), "--one", place, "--tracks", str(tracks)]
    command += ["--db", options.db, "--library", options.library, *(["--cpu"] if options.cpu else [])]
    try:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    found: dict[str, float] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return found


def table(results: dict[int, dict[str, float]], markdown: bool = False) -> str:
    """One row per measure, one column per size."""
    lines = [["measure", *(f"{tracks:,}" for tracks in results), "target"]]
    for name, target in TARGETS.items():
        values = [result.get(name) for result in results.values()]
        shown = ["" if value is None else f"{value:,.3f}" if value < 10 else f"{value:,.0f}" for value in values]
        lines.append([name, *shown, f"<= {target}" if target else ""])
    if markdown:
        lines.insert(1, ["---"] * len(lines[0]))
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(widths[0]) if not column else cell.rjust(widths[column]) for column, cell in enumerate(line)
        )
        for line in lines
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--library", choices=[KEPT, FRESH], default=KEPT)
    parser.add_argument("--db", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--json", action="store_true", help="the results as one line, last on stdout")
    parser.add_argument("--cpu", action="store_true", help="the process's own time: for SQLite on a busy machine")
    parser.add_argument("--markdown", action="store_true", help="the table for a document")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cpu:
        global clock
        clock = time.process_time
    if options.write:
        return write()
    if options.one:
        return print(json.dumps(measure(options.tracks[0], options.library, options.db, options.one)))
    results = {tracks: child(tracks, options) for tracks in options.tracks}
    print(table(results, options.markdown))
    if options.json:
        print(json.dumps({"db": options.db, "library": options.library, "machine": machine(), "tracks": results}))
    return None


if __name__ == "__main__":
    main()
