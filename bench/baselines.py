"""What others take to notice that nothing has changed: MPD's update and plocate's updatedb over the same tree.

Each only where it is installed. The first look of either, which reads everything, is not counted.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import TextIO

from bench.setup import Took, median, median_of

RUNS = 3
START_WITHIN = 30.0  # seconds
FASTEST = 20e-9  # seconds for a file; a folder's look-up alone takes a microsecond
ASK_EVERY = 0.01  # seconds, while MPD is at work
TICKS = 100  # per second, in /proc/PID/stat: USER_HZ, the same on every Linux

MPD_CONFIG = """music_directory "{root}"
db_file "{state}/database"
log_file "{state}/log"
bind_to_address "{state}/socket"
zeroconf_enabled "no"
audio_output {{
    type "null"
    name "none"
}}
"""


class Unbelievable(Exception):
    """A figure that cannot be: the program did not do what was to be measured."""


def mpd(root: str) -> Took | None:
    """MPD's update of a music folder that it knows; None where it is not installed. Raises Unbelievable."""
    if not shutil.which("mpd"):
        return None
    with tempfile.TemporaryDirectory(prefix="mpd-") as state:  # not below a deep folder: a socket's path is short
        with open(f"{state}/config", "w") as config:
            config.write(MPD_CONFIG.format(root=root, state=state))
        command = ["mpd", "--no-daemon", f"{state}/config"]
        daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            talk = _connected(f"{state}/socket")
            _update(talk)
            known, there = _songs_known(talk), _files_in(root)
            if known != there:
                raise Unbelievable(f"MPD knows {known} of the {there} files")
            return _believable(median([_measured(daemon.pid, lambda: _update(talk)) for _ in range(RUNS)]), there)
        finally:
            daemon.terminate()
            daemon.wait()


def updatedb(root: str) -> Took | None:
    """A database of this tree's names alone, brought up to date; None where updatedb is not plocate's."""
    program = shutil.which("updatedb") or shutil.which("updatedb", path="/usr/sbin:/sbin")
    if not program or b"plocate" not in subprocess.run([program, "--version"], capture_output=True).stdout:
        return None
    everything = ["--prunefs", "", "--prunepaths", "", "--prune-bind-mounts", "no", "--require-visibility", "no"]
    with tempfile.TemporaryDirectory(prefix="updatedb-") as state:
        command = [program, "--database-root", root, "--output", f"{state}/database", *everything]
        return _believable(median_of(lambda: subprocess.run(command, check=True), RUNS), _files_in(root))


def _believable(took: Took, files: int) -> Took:
    """Raises Unbelievable where not even one system call for each file's folder fits into that time."""
    if took.seconds < files * FASTEST:
        raise Unbelievable(f"{took.seconds:.4f} s are too few to look at {files} files")
    return took


def _files_in(root: str) -> int:
    return sum(len(names) for _, _, names in os.walk(root)) - os.path.exists(f"{root}/.tonekeep")


def _songs_known(talk: TextIO) -> int:
    return int(next(line for line in _answer(talk, "stats") if line.startswith("songs: ")).removeprefix("songs: "))


def _connected(path: str) -> TextIO:
    """A conversation with MPD, once it listens. Raises OSError where it never does."""
    end = time.monotonic() + START_WITHIN
    while True:
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(path)
            break
        except OSError:
            line.close()
            if time.monotonic() > end:
                raise
            time.sleep(ASK_EVERY)
    talk = line.makefile("rw", encoding="utf-8")
    talk.readline()  # its greeting
    return talk


def _answer(talk: TextIO, command: str) -> list[str]:
    talk.write(f"{command}\n")
    talk.flush()
    lines = []
    while (line := talk.readline().rstrip("\n")) != "OK":
        if not line or line.startswith("ACK"):
            raise SystemExit(f"MPD did not take {command!r}: {line}")
        lines.append(line)
    return lines


def _update(talk: TextIO) -> None:
    """An update from its beginning to its end, one that is under way before it among it."""
    _answer(talk, "update")
    while any(line.startswith("updating_db") for line in _answer(talk, "status")):
        time.sleep(ASK_EVERY)


def _measured(pid: int, work: Callable[[], object]) -> Took:
    """One run, with the processors' time of another process."""
    cpu, began = _cpu_of(pid), time.perf_counter()
    work()
    return Took(time.perf_counter() - began, _cpu_of(pid) - cpu)


def _cpu_of(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime and stime: see proc_pid_stat(5)
