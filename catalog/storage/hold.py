"""The hold: after many files vanished at once nothing is fetched until a person agrees or most of them are back."""

from __future__ import annotations

from datetime import datetime

from catalog.models import Library, Track
from catalog.models.settings import value


def hold_above() -> int:
    """So many files may be gone at once before fetching waits for a person."""
    return int(value("HOLD_FILES"))


def hold_share() -> float:
    """… and this share of all files."""
    return float(value("HOLD_PERCENT")) / 100


def begin(count: int, total: int, now: datetime) -> None:
    """Fetching waits for a person: ``count`` of ``total`` files are gone at once. A hold that stands keeps its date."""
    reason = (
        f"{count} of {total} files are gone at once. Put them back, or press Download them again on the start page."
    )
    library = Library.load()
    Library.objects.filter(pk=1).update(held_since=library.held_since or now, held_reason=reason)


def settle(now: datetime, vanished: int = 0, total: int = 0) -> bool:
    """At the end of a pass: begin a hold, or end one whose files are mostly back. Whether fetching is held now.

    ``vanished`` of ``total`` files went in this pass; ``total`` 0 means fewer than `hold_above`.
    """
    held_since = Library.load().held_since
    if total and vanished > total * hold_share():
        begin(vanished, total, now)
        return True
    if held_since:
        gone, files = still_gone(held_since)
        if gone > hold_above() and gone > files * hold_share():
            return True
        release()
    return False


def release() -> None:
    """The files are back, or a person accepts that they are gone: fetching goes on."""
    Library.objects.filter(pk=1).update(held_since=None, held_reason="")


def still_gone(since: datetime) -> tuple[int, int]:
    """(files that vanished since then and are not back, files the catalog had with them)."""
    gone = Track.objects.filter(status=Track.Status.MISSING, retry_after__gte=since).exclude(local_path="").count()
    return gone, gone + Track.objects.filter(status=Track.Status.DOWNLOADED).count()
