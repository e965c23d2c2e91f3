"""The mount table that tests of folder stamps speak of, whatever filesystem the machine's temporary folder is on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def mount_line(device: int, point: str, filesystem: str) -> str:
    """A line of /proc/self/mountinfo; ``device`` as in ``st_dev``."""
    return f"36 35 {os.major(device)}:{os.minor(device)} / {point} rw,noatime master:1 - {filesystem} /dev/x rw\n"


@pytest.fixture
def trusted_filesystem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's folder is on ext4, says the mount table: on overlay (containers) no folder would get a stamp."""
    lines = [mount_line(tmp_path.stat().st_dev, "/", "ext4")]
    monkeypatch.setattr("catalog.system.mount_table.read_lines", lambda: lines)
