"""Read exported files in a process that may fail: whatever a file asks of its reader, nothing else waits or dies of it.

The other process runs this file, without Django, database or environment. It gets paths and names as JSON on stdin and
answers once, on stdout, by what it read or by the sentence that says why not.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import sys
from collections.abc import Sequence

if __name__ == "__main__":  # run as a file, without the project on its path
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from catalog.importers.parsed_file import MAX_ENTRIES, ReadFile, UnreadableFile, shown
from catalog.importers.reader import read_library_file
from catalog.system import programs

# For all files of one call. The largest that are allowed (250,000 places) take a quarter of either.
LIMITS = programs.Limits(memory_bytes=2 * 2**30, cpu_seconds=60)
ANSWER_WITHIN = 300.0  # seconds: a drive that does not answer must not hold us for ever


def read_in_process(files: Sequence[tuple[str, str]], most: int = MAX_ENTRIES) -> list[ReadFile]:
    """`catalog.importers.reader.read_library_file` for each (path, name), together at most ``most`` entries.
    Where the name is "", it is the path's last part.

    Raises UnreadableFile, also where reading them breaks a limit of memory or time.
    """
    question = json.dumps([*files, most])
    command = [sys.executable, "-I", "-X", "utf8", os.path.abspath(__file__)]
    try:
        ended = programs.run(command, stdin=question.encode(), timeout=ANSWER_WITHIN, limits=LIMITS)
    except TimeoutError:
        raise _too_much(files) from None
    if ended.code or not ended.stdout:
        raise _too_much(files)
    answer = _unpickled(ended.stdout)
    if isinstance(answer, str):
        raise UnreadableFile(answer)
    return list(answer)


def _unpickled(data: bytes) -> list[ReadFile] | str:
    """The answer. Nothing in it refers to itself: looking for such garbage half way would cost half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return pickle.loads(data)  # type: ignore[no-any-return]  # noqa: S301  our own process
    finally:
        if was_enabled:
            gc.enable()


def _too_much(files: Sequence[tuple[str, str]]) -> UnreadableFile:
    what = f"{shown(files[0][1])} needs" if len(files) == 1 else "These files need"
    return UnreadableFile(f"{what} more memory or time than any library export: take the export itself, or split it.")


def _answer(question: str) -> list[ReadFile] | str:
    *files, most = json.loads(question)
    found: list[ReadFile] = []
    try:
        for path, name in files:
            found += read_library_file(path, name or None)
            if sum(file.entries for file in found) > most:
                return f"These files hold more than {most:,} songs together: import them one after another."
    except UnreadableFile as error:
        return str(error)
    return found


if __name__ == "__main__":
    gc.disable()  # it lives for one answer, within a limit of memory
    sys.stdout.buffer.write(pickle.dumps(_answer(sys.stdin.read())))
