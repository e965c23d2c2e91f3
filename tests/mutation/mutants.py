"""`make mutants`: take every guard out, one at a time, in a copy of the project, and demand that its tests turn red.

    python -m tests.mutation.mutants [--only PATTERN] [--jobs 2]

First the tests must be green as the code stands. Exit status 0 only where every mutant was killed by a failing test:
one that does not import, or whose tests end in another error, proves nothing.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from tests.mutation.mutant_table import MUTANTS, Mutant

PROJECT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".git", ".venv", ".demo", "data", "__pycache__", ".ruff_cache", ".mypy_cache", "node_modules")
PATIENCE = 600  # seconds for the tests of one mutant


def main() -> int:
    """Run the table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.mutants")
    parser.add_argument("--only", default="", help="only mutants whose name fits this pattern")
    parser.add_argument("--jobs", type=int, default=2, help="copies of the project at work at once")
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if re.search(options.only, mutant.name)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: Queue[Path] = Queue()
        for number in range(options.jobs):
            copies.put(copy_of_the_project(Path(folder) / str(number)))
        if not _green(copies, sorted({mutant.tests for mutant in chosen})):
            return 1
        with ThreadPoolExecutor(options.jobs) as pool:
            ends = list(pool.map(lambda mutant: _told(mutant, copies), chosen))
    print(f"{sum(ends)} of {len(ends)} guards proven in {time.monotonic() - began:.0f} s")
    return 0 if all(ends) else 1


def copy_of_the_project(folder: Path) -> Path:
    """The project as it stands, without what is not source."""
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    return folder


def without(mutant: Mutant, source: str) -> str:
    """The source without the guard. Raises ValueError where the table no longer fits the code."""
    if source.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: its code stands {source.count(mutant.old)} times in {mutant.file}")
    changed = source.replace(mutant.old, mutant.new)
    compile(changed, mutant.file, "exec")
    return changed


def _green(copies: Queue[Path], tests: list[str]) -> bool:
    copy = copies.get()
    done = _run(copy, *tests)
    copies.put(copy)
    if done.returncode:
        print(f"The tests are red as the code stands:\n{done.stdout[-3000:]}")
    return done.returncode == 0


def _told(mutant: Mutant, copies: Queue[Path]) -> bool:
    copy = copies.get()
    try:
        killer = _killer(mutant, copy)
    finally:
        copies.put(copy)
    print(f"{'killed  ' if killer else 'SURVIVED'}  {mutant.name:<58} {killer}", flush=True)
    return bool(killer)


def _killer(mutant: Mutant, copy: Path) -> str:
    """The test that turned red, or "" where none did."""
    path = copy / mutant.file
    source = path.read_text()
    path.write_text(without(mutant, source))
    try:
        done = _run(copy, "-x", mutant.tests)
    finally:
        path.write_text(source)
    failed = re.search(r"^FAILED \S+::(\S+)", done.stdout, re.MULTILINE)
    return failed[1] if done.returncode == 1 and failed else ""


def _run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "--tb=no", *arguments]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=PATIENCE)


if __name__ == "__main__":
    sys.exit(main())
