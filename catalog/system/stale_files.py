"""Files of ours that nobody came back for."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path


def remove_stale(folder: Path, seconds: float) -> None:
    """Remove the files of ``folder`` that were last written more than ``seconds`` ago; what the disk keeps stays."""
    with suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            with suppress(OSError):
                if time.time() - entry.stat().st_mtime > seconds:
                    os.unlink(entry.path)
