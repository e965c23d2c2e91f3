"""How long a reconcile takes, against `find` on the same tree in the same run.

    python bench/reconcile.py [--tracks N] [--db sqlite|postgres] [--cases CASE …] [--json]

Every case runs the product's own `catalog.library.reconcile.reconcile` in a process of its own, so that its peak memory
is that of the case. First passes are thrown away where a case can be repeated; medians. Where MPD and plocate are
installed (`apt install mpd plocate`), their own look at the unchanged tree stands beside that of reconcile.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.baselines import Unbelievable, mpd, updatedb
from bench.fake_library import Song, artist_folder, fill_catalog, make_tree, songs
from bench.setup import (
    ENVIRONMENT,
    Took,
    configure,
    environment_of,
    find,
    measured,
    median,
    median_of,
    peak_rss_mb,
    settle_database,
)

RUNS = 5
CHANGING_RUNS = 3
LATER = timedelta(hours=1)  # a pass that settles the tree between two runs comes when every folder is old

# The case, what it is measured against, and the ratio that it should stay below.
CASES = {
    "no_change": ("find", 0.5),
    "full": ("find", 1.2),
    "full_sizes": ("find_sizes", 0.9),
    "one_percent_deleted": ("find", 1.8),
    "one_percent_renamed": ("find", None),
    "artist_renamed": ("find", 0.6),
    "first_run": ("find", 8.0),
    "all_deleted": ("find", 8.0),
    "all_back": ("find", None),
}


# --- The cases: each runs in its own process --------------------------------------------------------------


class Transactions:
    """Measures how long the outermost transactions last, in seconds of ``clock``: other writers wait that long."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        from django.db import transaction

        self.lasted: list[float] = []
        enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__
        began: list[float] = []

        def entered(atomic: Any) -> None:
            began.append(clock())
            enter(atomic)

        def left(atomic: Any, *error: Any) -> None:
            leave(atomic, *error)
            start = began.pop()
            if not began:
                self.lasted.append(clock() - start)

        transaction.Atomic.__enter__, transaction.Atomic.__exit__ = entered, left  # type: ignore[method-assign]

    def p99_ms(self) -> float | None:
        if len(self.lasted) < 2:
            return None
        return round(statistics.quantiles(self.lasted, n=100)[-1] * 1000, 1)


class Helpers:
    """Remembers the peak memory of the processes that a pass starts beside its own."""

    def __init__(self) -> None:
        from catalog.scanning.scan_worker import ScanWorker

        self.peak_mb = 0.0
        leave = ScanWorker.__exit__

        def left(lookout: ScanWorker, *error: object) -> None:
            self.peak_mb = max(self.peak_mb, peak_rss_mb(lookout.other.pid))
            leave(lookout, *error)

        ScanWorker.__exit__ = left  # type: ignore[method-assign]


class Case:
    """One case over a tree and catalog that agree; leaves them so."""

    def __init__(self, root: str, tracks: int) -> None:
        self.root, self.tracks = root, tracks
        self.rows_changed = 0
        self.transactions = Transactions()

    def pass_(self, **options: Any) -> None:
        """A pass as the product makes it, now."""
        from django.utils import timezone

        from catalog.library.reconcile import reconcile

        report = reconcile(timezone.now(), accept_missing=True, **options)
        if not report.complete:
            raise SystemExit(f"The pass did not end: {report.problem}")
        self.rows_changed = report.rows_changed

    def settle(self) -> None:
        """Make every row and stamp stand for the tree as it is."""
        from django.utils import timezone

        from catalog.library.reconcile import reconcile

        for hours in (1, 2):
            if not reconcile(timezone.now() + LATER * hours, accept_missing=True).complete:
                raise SystemExit("The tree could not be settled.")
        self.transactions.lasted.clear()

    def changing(self, change: Callable[[], object], undo: Callable[[], object], runs: int = CHANGING_RUNS) -> Took:
        """Medians of the pass after ``change``."""
        took: list[Took] = []
        rows = 0
        lasted: list[float] = []
        for _ in range(runs):
            change()
            took.append(measured(self.pass_))
            rows, lasted = self.rows_changed, lasted + self.transactions.lasted
            undo()
            self.settle()
        self.rows_changed, self.transactions.lasted = rows, lasted
        return median(took)

    def no_change(self) -> Took:
        return median_of(self.pass_, RUNS)

    def full(self) -> Took:
        return median_of(lambda: self.pass_(full=True), RUNS)

    def full_sizes(self) -> Took:
        return median_of(lambda: self.pass_(sizes=True), RUNS)

    def one_percent_deleted(self) -> Took:
        doomed = self._one_percent()

        def put_back() -> None:
            for song in doomed:
                with open(f"{self.root}/{song.folder}/{song.file_name}", "wb") as file:
                    file.write(song.content)

        def delete() -> None:
            for song in doomed:
                os.unlink(f"{self.root}/{song.folder}/{song.file_name}")

        return self.changing(delete, put_back)

    def one_percent_renamed(self) -> Took:
        """Each in its folder, as a tagger does: known again by the id in its tags."""
        pairs = [
            (f"{self.root}/{song.folder}/{song.file_name}", f"{self.root}/{song.folder}/Renamed {song.ordinal}.mp3")
            for song in self._one_percent()
        ]

        def rename() -> None:
            for before, after in pairs:
                os.rename(before, after)

        def put_back() -> None:
            for before, after in pairs:
                os.rename(after, before)

        return self.changing(rename, put_back)

    def _one_percent(self) -> list[Song]:
        return [song for song in songs(self.tracks) if song.ordinal % 100 == 7]

    def artist_renamed(self) -> Took:
        before, after = f"{self.root}/{artist_folder(0)}", f"{self.root}/Another name"
        return self.changing(lambda: os.rename(before, after), lambda: os.rename(after, before))

    def first_run(self) -> Took:
        """No stamp is known: every folder is listed, and every folder's row written."""
        from catalog.models import Folder

        def forget() -> None:
            Folder.objects.update(mtime_ns=None, ctime_ns=None, inode=None, device=None, rows=0, seen_at=None)
            self.transactions.lasted.clear()

        return self.changing(forget, lambda: None)

    def all_deleted(self) -> Took:
        """Every artist's folder is gone. One run: the tree comes back in the next case."""
        away = f"{os.path.dirname(self.root)}/away"
        os.makedirs(away)
        for name in os.listdir(self.root):
            if name.startswith("Artist"):
                os.rename(f"{self.root}/{name}", f"{away}/{name}")
        return measured(self.pass_)

    def all_back(self) -> Took:
        """Every file of every missing track is at its last known place again: each is looked at, each row written."""
        away = f"{os.path.dirname(self.root)}/away"
        for name in os.listdir(away):
            os.rename(f"{away}/{name}", f"{self.root}/{name}")
        os.rmdir(away)
        took = measured(self.pass_)
        rows, lasted = self.rows_changed, list(self.transactions.lasted)
        self.settle()
        self.rows_changed, self.transactions.lasted = rows, lasted
        return took


def run_case(name: str, place: str, tracks: int) -> dict[str, Any]:
    """What the process of a case says."""
    import django

    django.setup()
    case, helpers = Case(f"{place}/music", tracks), Helpers()
    took: Took = getattr(case, name)()
    return {
        "seconds": round(took.seconds, 4),
        "cpu_seconds": round(took.cpu, 4),
        "rows_changed": case.rows_changed,
        "transaction_p99_ms": case.transactions.p99_ms(),
        "peak_rss_mb": round(peak_rss_mb() + helpers.peak_mb, 1),
    }


# --- The run: makes the tree, calls the cases, compares ---------------------------------------------------


def prepare(place: str, tracks: int, db: str) -> None:
    """The tree, its catalog, and a first settled pass. In a process of its own."""
    root = configure(place, db)
    make_tree(root, tracks)
    fill_catalog(root, tracks)
    settle_database()
    Case(root, tracks).settle()
    settle_database()


def child(*arguments: str) -> str:
    """Run this file with other arguments; the last line that it wrote."""
    command = [sys.executable, os.path.abspath(__file__), *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip().rpartition("\n")[2]


def measure(place: str, tracks: int, db: str, reuse: bool, cases: list[str], beside: bool) -> dict[str, Any]:
    """All cases, each beside the yardsticks taken just before it; ``beside`` MPD and updatedb too."""
    if reuse:
        environment_of(place, db)
    else:
        os.environ |= json.loads(child("--prepare", place, "--tracks", str(tracks), "--db", db))
    root, peak = f"{place}/music", 0.0
    results: dict[str, Any] = {}
    yardsticks = {"find": find(root), "find_sizes": find(root, "-printf", "%s %p\\n")}
    took: dict[str, Took] = {}
    for name in cases:
        yardstick, target = CASES[name]
        if name != "all_back":  # then the tree is away
            took = {known: median_of(run, RUNS) for known, run in yardsticks.items()}
        result = json.loads(child("--case", name, "--place", place, "--tracks", str(tracks)))
        against = took[yardstick]
        results[name] = result | {
            "find_seconds": round(against.seconds, 4),
            "find_cpu_seconds": round(against.cpu, 4),
            "ratio": round(result["seconds"] / against.seconds, 3),
            "cpu_ratio": round(result["cpu_seconds"] / against.cpu, 3),
            "target": target,
        }
        peak = max(peak, result["peak_rss_mb"])
        say(name, results[name])
    if beside and "no_change" in results:
        results["no_change"] |= others(root, results["no_change"]["seconds"])
    load = os.getloadavg()[1]
    return {**results, "peak_rss_mb": peak, "tracks": tracks, "db": db, "machine": machine(), "load": round(load, 1)}


def others(root: str, seconds: float) -> dict[str, float | str]:
    """What MPD and updatedb take for the tree as it is, and how many of each the pass took that changed nothing."""
    found: dict[str, float | str] = {}
    for name, run in {"mpd": mpd, "updatedb": updatedb}.items():
        try:
            took = run(root)
        except Unbelievable as error:
            print(f"{name:20} ERROR: {error}", file=sys.stderr)
            found[f"{name}_seconds"] = f"error: {error}"
            continue
        if took is None:
            print(f"{name:20} not installed", file=sys.stderr)
            found[f"{name}_seconds"] = "not installed"
            continue
        found |= {f"{name}_seconds": round(took.seconds, 4), f"{name}_cpu_seconds": round(took.cpu, 4)}
        found[f"{name}_ratio"] = ratio = round(seconds / took.seconds, 4)
        print(
            f"{name:20} {took.seconds:9.3f} s  of CPU {took.cpu:.3f} s; no_change takes {ratio:.3f} x", file=sys.stderr
        )
    return found


def say(name: str, result: dict[str, Any]) -> None:
    target = f"<= {result['target']}" if result["target"] else ""
    print(
        f"{name:20} {result['seconds']:9.3f} s  {result['ratio']:7.3f} x find ({result['find_seconds']:.3f} s)"
        f"  {target:8}  of CPU {result['cpu_seconds']:.3f} s, {result['cpu_ratio']:.3f} x"
        f"  {result['rows_changed']:>9,} rows  {result['peak_rss_mb']:6.1f} MB"
        f"  p99 {result['transaction_p99_ms'] or 0:5.1f} ms",
        file=sys.stderr,
        flush=True,
    )


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=int(os.environ.get("TRACKS") or 100_000))
    parser.add_argument("--db", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--json", action="store_true", help="the results as one line, last on stdout")
    parser.add_argument("--place", help="a folder to work in; default a new one that is removed afterwards")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--reuse", action="store_true", help="use the tree and catalog that --place holds")
    parser.add_argument(
        "--no-others", action="store_true", help="without MPD, which first reads every file, and updatedb"
    )
    parser.add_argument("--prepare", help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.prepare:
        prepare(options.prepare, options.tracks, options.db)
        print(json.dumps({name: os.environ[name] for name in ENVIRONMENT if name in os.environ}))
        return
    if options.case:
        print(json.dumps(run_case(options.case, options.place, options.tracks)))
        return
    place = options.place or tempfile.mkdtemp(prefix="tonekeep-bench-")
    try:
        results = measure(place, options.tracks, options.db, options.reuse, options.cases, not options.no_others)
    finally:
        if not options.place:
            shutil.rmtree(place, ignore_errors=True)
    if options.json:
        print(json.dumps(results))
    if any(str(value).startswith("error") for value in results.get("no_change", {}).values()):
        sys.exit("A yardstick could not be measured; see above.")


if __name__ == "__main__":
    main()
