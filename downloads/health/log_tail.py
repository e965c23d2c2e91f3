"""The last lines of the log, read from its end: it is written without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

READ = 500_000  # bytes of each file
ENTRY = re.compile(rb"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3} (ERROR|CRITICAL) ([\w.-]+): (.*)$", re.MULTILINE)


class LogEntry(NamedTuple):
    """``logger`` is the name of who wrote it."""

    logger: str
    text: str


def last_lines(path: Path, most: int, read: int = READ) -> list[str]:
    """The last ``most`` lines of a file; none where it cannot be read."""
    content, whole = _tail(path, read)
    return content.decode(errors="replace").splitlines()[0 if whole else 1 :][-most:]


def errors_since(path: Path, now: datetime, length: timedelta) -> Iterator[LogEntry]:
    """What the log, and the file before it, hold of errors since ``length`` before ``now``, the oldest first.

    Times in it are the machine's, as `logging` writes them.
    """
    since = datetime.fromtimestamp((now - length).timestamp()).isoformat(" ", "seconds").encode()
    for file in (path.with_suffix(".old.log"), path):
        for at, _, logger, text in ENTRY.findall(_tail(file, READ)[0]):
            if at >= since:
                yield LogEntry(logger.decode(), text.decode(errors="replace"))


def _tail(path: Path, read: int) -> tuple[bytes, bool]:
    """The end of a file, and whether that is all of it."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - read))
            return file.read(), size <= read
    except OSError:
        return b"", True
