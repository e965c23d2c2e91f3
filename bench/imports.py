"""What importing one large Exportify file costs: seconds and memory, beside reading it with `csv` alone.

    python bench/imports.py [--tracks 100000] [--json]

Each import is `manage.py import_library`, a process of its own on an SQLite file of its own, so that its memory is its
own too; the same file is imported a second time. Songs are made: 10 to an album, an artist of 3,000 each.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = [
    "Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Album URI", "Album Name", "Album Artist URI(s)",
    "Album Artist Name(s)", "Album Release Date", "Album Image URL", "Disc Number", "Track Number",
    "Track Duration (ms)", "Explicit", "Popularity", "ISRC", "Added By", "Added At",
]  # fmt: skip


def main() -> None:
    """Make the file, import it twice, print a table or one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="tonekeep-bench-"))
    try:
        results = measure(home, options.tracks)
    finally:
        shutil.rmtree(home)
    if options.json:
        print(json.dumps(results))
        return
    for name, row in results.items():
        print(f"{name:<12}" + "".join(f"{key} {value:>10,.2f}   " for key, value in row.items()))


def measure(home: Path, tracks: int) -> dict[str, dict[str, float]]:
    """Seconds, MB and the ratio to `csv` alone, of the first import and of the same file again."""
    path = home / "liked.csv"
    write_export(path, tracks)
    started = time.perf_counter()
    with path.open(newline="", encoding="utf-8") as stream:
        rows = sum(1 for _ in csv.reader(stream))
    alone = time.perf_counter() - started
    environment = os.environ | {
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(home / "data"),
        "MUSIC_DIR": str(home / "music"),
    }
    environment.pop("DATABASE_URL", None)
    (home / "music").mkdir()
    run(["migrate", "--verbosity=0"], environment)
    results: dict[str, dict[str, float]] = {"csv alone": {"seconds": alone, "rows": rows}}
    for name in ("first", "again"):
        seconds, megabytes = run(["import_library", str(path)], environment)
        results[name] = {"seconds": seconds, "MB": megabytes, "times csv": seconds / alone}
    return results


def run(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run manage.py. Seconds, and the largest memory of any child so far in MB: imports need more than `migrate`."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return time.perf_counter() - started, peak


def write_export(path: Path, tracks: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(HEADER)
        writer.writerows(row(number) for number in range(tracks))


def row(number: int) -> list[str]:
    """A song as exportify.app writes it."""
    album, artist = number // 10, number // 30
    return [
        f"spotify:track:{number:022}", f"Song of the {number}th day", f"spotify:artist:{artist:022}",
        f"Künstler {artist}", f"spotify:album:{album:022}", f"Album {album}", f"spotify:artist:{artist:022}",
        f"Künstler {artist}", f"{1960 + album % 60}-01-02", f"https://i.scdn.co/image/ab67616d0000b273{album:024x}",
        "1", str(number % 10 + 1), str(150_000 + number % 1000 * 97), "false", str(number % 100),
        f"DEAB1{number % 20:02}{number // 20:05}", "user01", f"2024-01-{number % 28 + 1:02}T10:00:{number % 60:02}Z",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
