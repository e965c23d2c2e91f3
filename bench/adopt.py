"""How long it takes to adopt a folder of music that is there already, and what reads its tags the fastest.

    python bench/adopt.py [--files N] [--json]

Makes N small mp3 files (30 kB, a tagged second of sound with a cover, each with its own Spotify id) and as many missing
tracks, reads the tags one by one, in threads and in processes, then runs the product's own
`catalog.library.adopt.adopt`: for the first time, again, and over files that are nobody's, read before and not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.setup import configure

PER_FOLDER = 12
ID_MARK, TITLE_MARK = "0" * 22, "Song 0000000"


def make_files(root: str, files: int) -> None:
    """One encoded file, copied with another id and title in it, so that parsing costs what it costs."""
    from catalog.tags import audio_tags
    from tests.audio import make_audio

    first = make_audio(f"{root}/first.mp3", 1)
    said = audio_tags.TrackTags(
        TITLE_MARK, ("Artist One", "Artist Two"), album="Album", date="2011", spotify_id=ID_MARK
    )
    audio_tags.write_tags(first, said, b"\xff\xd8\xff" + b"\0" * 20_000)
    with open(first, "rb") as file:
        content = file.read()
    os.unlink(first)
    for number in range(files):
        folder = f"{root}/Artist {number // 120}/Album {number // PER_FOLDER}"
        if number % PER_FOLDER == 0:
            os.makedirs(folder, exist_ok=True)
        own = content.replace(ID_MARK.encode(), f"{number:022d}".encode())
        with open(f"{folder}/{number % PER_FOLDER:02} Song {number}.mp3", "wb") as file:
            file.write(own.replace(TITLE_MARK.encode(), f"Song {number:07d}".encode()))


def make_tracks(files: int) -> None:
    """A missing, wanted track for each file."""
    from django.utils import timezone

    from catalog.models import Alias, Track

    now = timezone.now()
    for start in range(0, files, 5000):
        numbers = range(start, min(files, start + 5000))
        tracks = [
            Track(title=f"Song {n:07d}", identity=f"song {n}", spotify_id=f"{n:022d}", wanted=True, retry_after=now)
            for n in numbers
        ]
        Track.objects.bulk_create(tracks)
        Alias.objects.bulk_create(Alias(key=f"spotify:{row.spotify_id}", track=row) for row in tracks)


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of processors in this process and those it started and saw end."""
    used, began = _processor_seconds(), time.perf_counter()
    work()
    return round(time.perf_counter() - began, 2), round(_processor_seconds() - used, 2)


def _processor_seconds() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(root: str, files: int) -> dict[str, Any]:
    """(Seconds, seconds of processors) of each way, and what the adoption did."""
    from django.utils import timezone

    from catalog.library.adopt import AdoptReport, adopt
    from catalog.models import Track
    from catalog.scanning.untracked import cache_path, walk
    from catalog.tags import audio_tags
    from catalog.tags.tag_cache import TagReader

    now = timezone.now() + timedelta(hours=1)
    names = [f"{folder}/{name}" for folder, found in walk() for name in found]
    paths = [os.path.join(root, name) for name in names]

    def read_by(readers: int) -> None:
        with TagReader(root, "", int(now.timestamp() * 1e9), readers) as reader:
            reader.read(names)

    def read_by_threads() -> None:
        with ThreadPoolExecutor(max_workers=2) as threads:
            list(threads.map(audio_tags.read_tags, paths))

    read_by(1)  # the files are in memory from here on
    reports: list[AdoptReport] = []
    seconds = {
        "one_by_one": cost(lambda: read_by(1)),
        "two_threads": cost(read_by_threads),
        "processes": cost(lambda: read_by(len(os.sched_getaffinity(0)))),
        "adopt": cost(lambda: reports.append(adopt(None, now))),
        "adopt_again": cost(lambda: reports.append(adopt(None, now))),
    }
    Track.objects.all().delete()  # now they are nobody's
    seconds["strangers_read_before"] = cost(lambda: reports.append(adopt(None, now)))
    os.unlink(cache_path())
    seconds["strangers"] = cost(lambda: reports.append(adopt(None, now)))
    told = [{name: getattr(report, name) for name in ("files", "opened", "known", "adopted")} for report in reports]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "files": files,
        "seconds": seconds,
        "adopt": told,
        "rss_mb": peak,
    }


def main() -> None:
    """Measure and print a table, or JSON on the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tonekeep-bench-") as place:
        root = configure(place, "sqlite")
        make_files(root, options.files)
        make_tracks(options.files)
        said = measure(root, options.files)
    said |= {"machine": platform.machine(), "processors": os.cpu_count(), "load": os.getloadavg()[0]}
    if options.json:
        print(json.dumps(said))
        return
    for name, (wall, cpu) in said["seconds"].items():
        print(f"{name:24} {wall:8.2f} s, {cpu:8.2f} s of processors  {options.files / wall:9,.0f} files/s")
    print(said["adopt"], f"{said['rss_mb']} MB")


if __name__ == "__main__":
    main()
