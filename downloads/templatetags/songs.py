"""How a song is shown: the one mark of its state, and why it is not here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.template import Context

from catalog.models import Track
from downloads.failures.kinds import ERROR_KINDS, NEEDS_PERSON

register = template.Library()


@register.inclusion_tag("parts/state.html", takes_context=True)
def state(context: Context, song: dict[str, Any]) -> dict[str, Any]:
    """Icon and word for a row of `catalog.reports.status.described`. It agrees with the banner of the page."""
    icon, mood, word = _mark(song)
    return {
        "icon": icon,
        "mood": mood,
        "word": word,
        "song": song,
        "now": context["now"],
        "blocked": context["frame"].blocked,
    }


def _mark(song: dict[str, Any]) -> tuple[str, str, str]:
    if song["status"] == Track.Status.DOWNLOADED:
        return "check", "ok", "here"
    if song["status"] == Track.Status.DOWNLOADING:
        return "download", "busy", "downloading"
    if not song["wanted"]:
        return ("ban", "", "ignored") if song["ignored"] else ("eye-off", "", "not wanted")
    if song["error_kind"] in NEEDS_PERSON:
        return "hand", "warn", "needs you"
    return "clock", "warn" if song["error_kind"] or song.get("last_error") else "", "next"


@register.filter
def due(song: dict[str, Any], now: datetime) -> bool:
    """Whether its next try may come at once."""
    return bool(song["retry_after"] <= now)


@register.simple_tag(takes_context=True)
def why(context: Context, song: dict[str, Any]) -> str:
    """Why a missing song is not here: the sentence of its kind of error, else the stored words; "" where none.

    The stored words may name paths: strangers do not see them.
    """
    if song["status"] != Track.Status.MISSING or not (song["error_kind"] or song.get("last_error")):
        return ""
    kind = ERROR_KINDS.get(song["error_kind"] or "unknown", ERROR_KINDS["unknown"])
    may_know = context["frame"].insider and kind is ERROR_KINDS["unknown"]
    return str(song["last_error"]) if may_know else kind.sentence
