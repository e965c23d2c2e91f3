"""A call in a fork of this process: what it imports and takes is given back when it ends, and so is what it touches.

A process that lives for weeks keeps what its largest task took, and a fork that only waits shares its memory with the
process that it was forked from.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

RETURNED, RAISED = b"+", b"-"
ARG_START, ARG_END = 45, 46  # of the fields of /proc/self/stat after the name in brackets (proc(5): 48 and 49)


class CallFailed(Exception):
    """The fork ended without a result. The text says how: "was killed by signal 9"."""


def call_in_fork(body: Callable[[], str], title: str = "") -> str:
    """What ``body`` returns or raises, run in a fork of this process. CallFailed where it did neither.

    For a process of one thread without an open connection, whose forks die with it
    (`catalog.system.child_lifetime.forks_die_with_their_parents`). ``title`` is shown by `ps`. Whatever is raised here
    meanwhile, by a signal, kills the fork.
    """
    reader, writer = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # else the fork would write the same once more
    pid = os.fork()
    if not pid:
        _be_the_fork(body, title, reader, writer)
    os.close(writer)
    status = None
    try:
        with os.fdopen(reader, "rb") as results:
            result = results.read()
        status = os.waitpid(pid, 0)[1]
    finally:
        if status is None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise CallFailed(f"was killed by signal {-code}" if code < 0 else f"ended with status {code}")
    if result.startswith(RAISED):
        raise pickle.loads(result[len(RAISED) :])  # noqa: S301  # of our own fork
    return result.removeprefix(RETURNED).decode()


def _be_the_fork(body: Callable[[], str], title: str, reader: int, writer: int) -> None:
    """Does not return."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is our parent's to answer
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.close(reader)
        if title:
            set_title(title)
        with os.fdopen(writer, "wb") as results:
            results.write(_outcome(body))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)  # nothing of our parent's own end may run here


def _outcome(body: Callable[[], str]) -> bytes:
    try:
        return RETURNED + body().encode()
    except Exception as error:
        return RAISED + pickle.dumps(error)  # without its traceback, which may hold what a log must not


def set_title(title: str) -> None:
    """Let `ps` show ``title`` for this process, cut to the room that there is; nothing where this is no Linux.

    It is written over the memory that once held the command line. Where that memory's last byte is no NUL, the kernel
    takes it for a title and shows it up to the first NUL.
    """
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(fields[ARG_START]), int(fields[ARG_END])
    except (OSError, IndexError, ValueError):
        return
    room = end - start
    if room < 2:
        return
    text = os.fsencode(title)[: room - 2] + b"\0"
    ctypes.memmove(start, text.ljust(room, b"."), room)
