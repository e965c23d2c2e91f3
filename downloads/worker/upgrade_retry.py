"""Try again what nothing fitted, once the matcher, the source or yt-dlp has changed; and how old yt-dlp is."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution

from django.conf import settings
from django.db import transaction

from catalog.models import Track
from catalog.tracks import transitions
from downloads.matching import score
from downloads.models import Toolchain

# What a match depends on -> the kinds of failure that its change may have cured.
CURES: dict[str, tuple[str, ...]] = {
    "matcher": ("no_match", "needs_decision"),
    "source": ("no_match", "needs_decision"),
    # It reads more sites, and what it crashed on is mostly mended: "update yt-dlp" is what these failures advise.
    "yt-dlp": ("no_match", "needs_decision", "tool_crashed", "unknown", "no_audio"),
}


def retry_after_change(now: datetime) -> int:
    """Make failed tracks due where a change since the last call may have cured them. How many; 0 the first time.

    The new versions are written down in the same transaction: a crash in between repeats it, and loses nothing.
    """
    current = versions()
    if Toolchain.objects.filter(pk=1, versions=current).exists():
        return 0
    with transaction.atomic():
        row, _ = Toolchain.objects.select_for_update().get_or_create(pk=1)
        previous, row.versions = row.versions, current
        row.save()
        changed = [name for name in current if name in previous and previous[name] != current[name]]
        kinds = {kind for name in changed for kind in CURES[name]}
        reason = f"{' and '.join(changed)} changed"
        return transitions.retry(Track.objects.failed().filter(error_kind__in=kinds), now, reason) if kinds else 0


def versions() -> dict[str, str]:
    """The versions of everything that a match depends on, by name."""
    return {"matcher": str(score.VERSION), "source": settings.AUDIO_SOURCE, "yt-dlp": ytdlp_version()}


def ytdlp_version() -> str:
    """As installed, up to a minute ago: "2026.10.26"; "" where it is not."""
    return _installed(int(time.monotonic() // 60))


@lru_cache(maxsize=1)
def _installed(minute: int) -> str:
    """Once a minute: finding and reading it is a fifth of what the status page takes to write."""
    try:
        said = distribution("yt-dlp").read_text("METADATA") or ""
    except PackageNotFoundError:
        return ""
    found = re.search(r"^Version: (\S+)", said, re.MULTILINE)  # `version` would parse the whole README: 4 ms a page
    return found[1] if found else ""


def ytdlp_age(now: datetime) -> int | None:
    """Days since the installed yt-dlp was released, which its version is the date of; None where it is none."""
    found = re.match(r"(\d{4})\.(\d{1,2})\.(\d{1,2})", ytdlp_version())
    try:
        released = datetime(*(int(part) for part in found.groups()), tzinfo=UTC) if found else None  # type: ignore[arg-type,misc]
    except ValueError:
        return None
    return max(0, (now - released).days) if released else None
