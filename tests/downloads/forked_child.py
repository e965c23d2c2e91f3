"""The fetching child forked from the test's process, which has yt-dlp imported: 0.05 s of CPU a fetch for 0.6.

A process of its own as in the product: pid, session, folder, environment, pipes, limits, sandbox, exit status. What an
exec alone shows (the import path, what crosses into a new Python) is left to the tests marked ``real_exec``.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from typing import IO, Any

from catalog.system import programs

CHILD = "downloads.fetch.child"


class ForkedChild:
    """What `downloads.fetch.process` uses of `programs.Process`."""

    def __init__(self, folder: str, environment: dict[str, str]) -> None:
        _import_libraries()
        (request, write), (read, answer), (read_error, error) = os.pipe(), os.pipe(), os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            _become_child((request, answer, error), folder, environment)
        for descriptor in (request, answer, error):
            os.close(descriptor)
        self.stdin: IO[bytes] = os.fdopen(write, "wb")
        self.stdout, self.stderr = (os.fdopen(descriptor, "rb") for descriptor in (read, read_error))

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended; reaped."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def start(command: Sequence[str], **options: Any) -> Any:
    """In the place of `programs.start`: forks where it is the fetching child that is started."""
    if CHILD in command:
        return ForkedChild(options["cwd"], options["env"])
    return programs.start(command, **options)


@cache
def _import_libraries() -> None:
    os.environ["YTDLP_NO_PLUGINS"] = "1"
    for name in (CHILD, "yt_dlp", "yt_dlp.extractor.generic"):
        importlib.import_module(name)


def _become_child(streams: Sequence[int], folder: str, environment: dict[str, str]) -> None:
    """In the forked process: what `subprocess` and ``python -m`` would do. Does not return."""
    status = 1
    try:
        gc.freeze()
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 4096)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0, "r"), os.fdopen(1, "w"), os.fdopen(2, "w")
        child = importlib.import_module(CHILD)
        status = child.main(sys.stdin, sys.stdout)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)  # nothing of the parent's end may run here
