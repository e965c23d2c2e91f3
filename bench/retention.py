"""How long the care for a large folder takes: check_library, playlists, backup, and a relink of one artist.

    python bench/retention.py [--tracks N] [--db sqlite|postgres] [--json]

Times the product's own functions on a tree and a catalog of N songs that agree. Two figures each: seconds by the clock
and seconds of the processors.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.fake_library import artist_folder, fill_catalog, make_tree
from bench.setup import configure


def measure(root: str, tracks: int) -> dict[str, tuple[float, float]]:
    """(Seconds, seconds of processors) of each."""
    from django.conf import settings
    from django.db import connection
    from django.utils import timezone

    from catalog.db.backup import backup
    from catalog.library.audit import check_library
    from catalog.library.playlist_files import write_playlists
    from catalog.library.reconcile import reconcile
    from catalog.library.relink import relink
    from catalog.storage import state as storage

    now = timezone.now() + timedelta(hours=1)
    storage.check(now)
    cases: dict[str, Callable[[], object]] = {
        "check_library": lambda: check_library(now),
        "check_library_again": lambda: check_library(now),
        "playlists_first": lambda: write_playlists(now),
        "playlists_unchanged": lambda: write_playlists(now),
    }
    if connection.vendor == "sqlite":
        cases["backup"] = lambda: backup(f"{settings.DATA_DIR}/copy")
    took = {name: cost(work) for name, work in cases.items()}
    os.rename(f"{root}/{artist_folder(0)}", f"{root}/Somebody else")
    reconcile(now)
    took["relink_one_artist"] = cost(lambda: relink(now))
    return took


def cost(work: Callable[[], Any]) -> tuple[float, float]:
    used, began = _processors(), time.perf_counter()
    said = work()
    took = round(time.perf_counter() - began, 2), round(_processors() - used, 2)
    problem = getattr(said, "problem", "")
    if problem:
        sys.exit(problem)
    return took


def _processors() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Measure and print a table, or JSON on the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--db", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tonekeep-bench-") as place:
        root = configure(place, options.db)
        make_tree(root, options.tracks)
        fill_catalog(root, options.tracks)
        took = measure(root, options.tracks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if options.json:
        print(json.dumps({"tracks": options.tracks, "seconds": took, "rss_mb": peak, "load": os.getloadavg()[0]}))
        return
    for name, (wall, cpu) in took.items():
        print(f"{name:22} {wall:8.2f} s  {cpu:8.2f} s of processors")
    print(f"{peak} MB at most")


if __name__ == "__main__":
    main()
