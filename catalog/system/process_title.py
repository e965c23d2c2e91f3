"""What `ps` says of a process that was forked instead of started: its title is written over its command line. Linux.

The kernel shows the memory in which it once put the command line. Where its last byte is no NUL, it takes that memory
for a title and shows it up to the first NUL.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

ARG_START, ARG_END = 45, 46  # of the fields of /proc/self/stat after the name in brackets (proc(5): 48 and 49)


def set_title(title: str) -> None:
    """Show ``title`` as this process's command line, cut to the room that there is; nothing where this is no Linux."""
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
