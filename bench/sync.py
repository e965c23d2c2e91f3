"""How long a sync's writing takes: `replace_catalog` of a large library, nothing and 1 % changed.

    python bench/sync.py [--tracks 100000] [--runs 3] [--json]

The yardstick, in the same run and database, is what people write instead: `bulk_create(update_conflicts=True)` of all
rows, which writes every row each time. It writes only the track rows; we compare and keep entries as well.
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
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    """Make the library, time each case, print a table or one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    home = tempfile.mkdtemp(prefix="tonekeep-bench-")
    try:
        start_django(home)
        report(measure(options.tracks, options.runs), options.json)
    finally:
        shutil.rmtree(home)


def start_django(home: str) -> None:
    """The program with its own settings, on an SQLite file of its own."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "ENV_FILE": os.devnull, "DATA_DIR": home}
    os.environ.pop("DATABASE_URL", None)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def measure(tracks: int, runs: int) -> dict[str, dict[str, float]]:
    """Seconds of each case (median of ``runs``), its ratio to the yardstick, and the rows that it wrote."""
    from catalog.ingest.replace import replace_catalog
    from catalog.music.records import EntryRecord

    now = datetime.now(UTC)
    songs = [song(number) for number in range(tracks)]
    entries = [EntryRecord(track=track) for track in songs]

    def sync(entries: list[EntryRecord]) -> Callable[[], int]:
        record = liked(entries)
        return lambda: wrote(replace_catalog([record], now))

    first = timed(sync(entries))
    cases = {"first": (first[0], first[1]), "no_change": median(runs, lambda run: sync(entries))}
    for name, changed in (("one_percent_renamed", renamed), ("one_percent_replaced", replaced)):
        cases[name] = median(runs, partial(_changed_sync, sync, changed, entries))
        sync(entries)()
    yardstick, _ = median(runs, lambda run: upsert)
    rows = {
        name: {"seconds": took, "ratio": took / yardstick, "rows_written": rows} for name, (took, rows) in cases.items()
    }
    return rows | {"yardstick": {"seconds": yardstick, "ratio": 1.0, "rows_written": tracks}}


def _changed_sync(sync: Any, changed: Any, entries: list[Any], run: int) -> Callable[[], int]:
    work: Callable[[], int] = sync(changed(entries, run))
    return work


def song(number: int, title: str = "") -> Any:
    from catalog.music.records import TrackRecord

    return TrackRecord(
        title=title or f"Song {number}",
        artists=(f"Artist {number % 9000}",),
        album=f"Album {number // 12}",
        duration_ms=180_000 + number % 60_000,
        isrc=f"XXAAA{number:07d}",
        spotify_id=f"{number:022d}",
        album_spotify_id=f"{number // 12:022d}",
        track_number=number % 12 + 1,
        release_date="2020-01-01",
    )


def liked(entries: list[Any]) -> Any:
    from catalog.music.records import CollectionRecord

    return CollectionRecord("liked", "liked", "Liked songs", entries, account="me", total=len(entries))


def renamed(entries: list[Any], run: int) -> list[Any]:
    """One in a hundred has another title."""
    return [
        replace(entry, track=replace(entry.track, title=f"{entry.track.title} ({run})")) if index % 100 == 0 else entry
        for index, entry in enumerate(entries)
    ]


def replaced(entries: list[Any], run: int) -> list[Any]:
    """One in a hundred is gone, and as many new ones are at the head."""
    from catalog.music.records import EntryRecord

    count = len(entries) // 100
    new = [EntryRecord(track=song(10_000_000 * (run + 1) + number)) for number in range(count)]
    return new + [entry for index, entry in enumerate(entries) if index % 100]


def wrote(said: Any) -> int:
    return sum(int(said.total(name)) for name in ("added", "updated", "gone", "moved", "new_tracks"))


def upsert() -> int:
    """The usual way: write every track row again, let the database find out which are there."""
    from catalog.models import Track

    rows = list(Track.objects.filter(spotify_id__isnull=False))
    took = time.perf_counter()
    Track.objects.bulk_create(
        [
            Track(
                title=row.title,
                identity=row.identity,
                spotify_id=row.spotify_id,
                isrc=row.isrc,
                duration_ms=row.duration_ms,
                album_id=row.album_id,
                track_number=row.track_number,
                retry_after=row.retry_after,
            )
            for row in rows
        ],
        update_conflicts=True,
        unique_fields=["spotify_id"],
        update_fields=["title", "identity", "isrc", "duration_ms", "album", "track_number"],
        batch_size=1000,
    )
    upsert.took = time.perf_counter() - took  # type: ignore[attr-defined]
    return len(rows)


def timed(work: Callable[[], int]) -> tuple[float, int]:
    start = time.perf_counter()
    rows = work()
    took = getattr(work, "took", time.perf_counter() - start)  # the yardstick leaves out its reading
    return took, rows


def median(runs: int, prepare: Callable[[int], Callable[[], int]]) -> tuple[float, int]:
    """The first pass is thrown away."""
    results = [timed(prepare(run)) for run in range(runs + 1)][1:]
    return statistics.median(took for took, _ in results), results[-1][1]


def report(cases: dict[str, dict[str, float]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(cases))
        return
    for name, row in cases.items():
        print(f"{name:22} {row['seconds']:8.2f} s {row['ratio']:7.3f} x {row['rows_written']:>9} rows")


if __name__ == "__main__":
    main()
