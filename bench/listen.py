"""What one file costs to prove, measure and recognise: one pass of ffmpeg beside the two passes that do the same.

    python bench/listen.py FILE… [--rounds N]

Processor seconds (user and system) of the children, the least of N rounds, alternating.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def seconds(run: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    import django

    django.setup()
    from downloads.audio import ffmpeg, fingerprint, verify

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    def decode(path: str) -> int:
        return ffmpeg.run_ffmpeg([*ffmpeg.input_arguments(path), "-vn", *verify.DECODE]).code

    def two_passes(path: str) -> int:
        return decode(path) + len(fingerprint.fingerprint(path))

    for path in options.files:
        found = verify.measure(path)
        ways: dict[str, Callable[[], object]] = {
            "decoded alone": partial(decode, path),
            "one pass": partial(verify.measure, path),
            "two passes, no loudness": partial(two_passes, path),
        }
        least = dict.fromkeys(ways, float("inf"))
        for _ in range(options.rounds):
            for name, run in ways.items():
                least[name] = min(least[name], seconds(run))
        said = ", ".join(f"{name} {cost:.2f} s" for name, cost in least.items())
        print(f"{os.path.basename(path)} ({found.duration_ms // 1000} s, {found.loudness} LUFS): {said}")


if __name__ == "__main__":
    main()
