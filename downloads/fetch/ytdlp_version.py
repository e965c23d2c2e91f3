"""Which yt-dlp is installed, and how old it is. Nothing of yt-dlp is imported."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution


def installed_version() -> str:
    """As installed, up to a minute ago: "2026.10.26"; "" where it is not."""
    return _version(int(time.monotonic() // 60))


@lru_cache(maxsize=1)
def _version(minute: int) -> str:
    """Once a minute: finding and reading it is a fifth of what the status page takes to write."""
    try:
        metadata = distribution("yt-dlp").read_text("METADATA") or ""
    except PackageNotFoundError:
        return ""
    match = re.search(r"^Version: (\S+)", metadata, re.MULTILINE)  # `version` would parse the whole README: 4 ms a page
    return match[1] if match else ""


def age_days(now: datetime) -> int | None:
    """Days since the installed yt-dlp was released, which its version is the date of; None where it is none."""
    match = re.match(r"(\d{4})\.(\d{1,2})\.(\d{1,2})", installed_version())
    try:
        released = datetime(*(int(part) for part in match.groups()), tzinfo=UTC) if match else None  # type: ignore[arg-type,misc]
    except ValueError:
        return None
    return max(0, (now - released).days) if released else None
