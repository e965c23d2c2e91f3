"""Try again what nothing fitted, once the matcher, the source, yt-dlp or the least quality has changed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from catalog.models import Service, Track
from catalog.models.settings import value
from catalog.tracks import transitions
from downloads.audio import verify
from downloads.failures.kinds import ERROR_KINDS
from downloads.fetch import ytdlp_version
from downloads.matching import score
from downloads.models import Candidate, Toolchain

# What a match depends on -> the kinds of failure that its change may have cured.
CURES: dict[str, tuple[str, ...]] = {
    "matcher": ("no_match", "needs_decision"),
    "source": ("no_match", "needs_decision"),
    "least quality": ("no_match", "needs_decision", "low_quality"),
    # It reads more sites, and what it crashed on is mostly mended: "update yt-dlp" is what these failures advise.
    "yt-dlp": ("no_match", "needs_decision", "tool_crashed", "unknown", "no_formats", "outdated", "server"),
}
# Kinds whose pause of the audio source a new yt-dlp ends.
PAUSES_CURED = ("outdated", "no_formats", "no_js_runtime", "tool_crashed", "unknown")


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
        if "least quality" in changed:
            refused = Candidate.objects.filter(verdict=Candidate.Verdict.DISPROVED, why__endswith=verify.TOO_POOR)
            refused.update(verdict=Candidate.Verdict.OPEN, why="")
        if "yt-dlp" in changed:
            _end_pauses_cured(now)
        reason = f"{' and '.join(changed)} changed"
        return transitions.retry(Track.objects.failed().filter(error_kind__in=kinds), now, reason) if kinds else 0


def _end_pauses_cured(now: datetime) -> None:
    """End the audio source's pause where its reason is one that a new yt-dlp mends; one track goes first."""
    cured = Q()
    for kind in PAUSES_CURED:
        cured |= Q(reason__startswith=ERROR_KINDS[kind].sentence)
    Service.objects.filter(cured, name="audio", paused_until__gt=now).update(paused_until=now)


def versions() -> dict[str, str]:
    """The versions of everything that a match depends on, by name."""
    return {
        "matcher": str(score.VERSION),
        "source": value("AUDIO_SOURCE"),
        "least quality": str(value("LEAST_KBPS")),
        "yt-dlp": ytdlp_version.installed_version(),
    }
