"""What hostile files cost: processor seconds and memory of whoever reads them, and what is said of each.

    python bench/hostile.py [exports] [zips] [media]

Each file of `tests.hostile_files` is written to a temporary folder and read by the product's own functions, in a fresh
process, whose children (the reading process, the tag process, ffmpeg) are measured.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from catalog.importers.parsed_file import UnreadableFile
from catalog.importers.read_process import read_in_process
from catalog.tags.tag_process import TagProcess, Unreadable
from downloads.audio.verify import verify
from downloads.failures.kinds import DownloadError
from tests.audio import make_audio
from tests.hostile_files import EXPORTS, ZIPS, media_bombs, written


def read_export(path: str) -> str:
    try:
        files = read_in_process([(path, "")])
    except UnreadableFile as error:
        return str(error)
    return f"read: {sum(file.tracks for file in files):,} songs of {sum(file.entries for file in files):,} places"


def read_media(path: str) -> str:
    """Tags, then sound, as after a fetch."""
    process = TagProcess()
    try:
        tags = process.read(path)
        said = f"title of {len(tags.title)} characters" if tags else "no tags"
    except Unreadable as error:
        said = f"tags: {error}"
    process.close()
    try:
        verify(path, None, None)
        return f"{said}; sound: fine"
    except DownloadError as error:
        return f"{said}; sound: {error.kind}"


def measure_one(kind: str, path: str) -> None:
    """Print what one file costs. In a process of its own: a child's memory is never told as less than its parent's."""
    began = time.monotonic()
    said = WORK[kind](path)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps([time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, said]))


def measured(kind: str, path: str) -> tuple[float, float, float, str]:
    """(Seconds, processor seconds of the children, MB of the largest of them, what was said)."""
    ended = subprocess.run([sys.executable, __file__, "--one", kind, path], stdout=subprocess.PIPE, check=True)
    took, processor, memory, said = json.loads(ended.stdout)
    return took, processor, memory, said


WORK: dict[str, Callable[[str], str]] = {"export": read_export, "media": read_media}


def cases(kinds: list[str], folder: Path) -> Iterator[tuple[str, str, bytes]]:
    if "exports" in kinds:
        yield from ((name, "export", made()) for name, made in EXPORTS.items())
    if "zips" in kinds:
        yield from ((f"{name}.zip", "export", made()) for name, made in ZIPS.items())
    if "media" in kinds:
        sound = Path(make_audio(folder / "sound.mp3", 5)).read_bytes()
        yield from ((name, "media", data) for name, data in media_bombs(sound))


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        measure_one(*sys.argv[2:4])
        return 0
    kinds = sys.argv[1:] or ["exports", "zips", "media"]
    most: dict[str, float] = {"processor_seconds": 0, "memory_mb": 0}
    with tempfile.TemporaryDirectory() as name:
        folder, count = Path(name), 0
        for label, kind, data in cases(kinds, folder):
            path, size = written(folder, label, data), len(data) / 1e6
            del data
            took, processor, memory, said = measured(kind, path)
            os.unlink(path)
            print(
                f"{label:42} {size:7.2f} MB {took:6.1f} s {processor:6.1f} s cpu {memory:6.0f} MB  {said}", flush=True
            )
            count += 1
            most = {
                "processor_seconds": max(most["processor_seconds"], round(processor, 1)),
                "memory_mb": max(most["memory_mb"], round(memory)),
            }
    print(json.dumps({"files": count, **most}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
