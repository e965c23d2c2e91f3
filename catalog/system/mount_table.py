"""The mount table of Linux, see proc_pid_mountinfo(5). Pure, no Django; empty on systems without one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple


class Mount(NamedTuple):
    """``id`` changes with every mount, ``device`` is as in ``st_dev``, ``point`` is an absolute path."""

    id: int
    device: int
    point: str
    filesystem: str


def read_lines() -> list[str]:
    """The lines of the table as this process sees it."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            return table.readlines()
    except OSError:
        return []


def parse(lines: Iterable[str]) -> list[Mount]:
    """The mounts, in the order of the table: of two on one point the later one is seen."""
    mounts = []
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        major, _, minor = fields[2].partition(":")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        mounts.append(Mount(int(fields[0]), os.makedev(int(major), int(minor)), point, after.split()[0]))
    return mounts
