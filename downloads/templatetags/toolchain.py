"""What pages say of the tools that fetch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template

from catalog.models import JobRequest
from catalog.system.command_line import update_ytdlp
from downloads import checks
from downloads.fetch import ytdlp_version
from downloads.search.sources import source

register = template.Library()


@register.inclusion_tag("parts/ytdlp.html")
def ytdlp(now: datetime) -> dict[str, Any]:
    """The installed yt-dlp, its age in days, and how it is updated; nothing where songs come from elsewhere."""
    used = source().needs_ytdlp
    age = ytdlp_version.age_days(now) if used else None
    return {
        "used": used,
        "version": ytdlp_version.installed_version(),
        "age": age,
        "how": update_ytdlp(),
        "old": (age or 0) > checks.OLD_AFTER,
    }


@register.simple_tag
def asked_for(what: str) -> bool:
    """Whether a person asked for ``what`` and no job has taken it up yet."""
    return JobRequest.objects.is_waiting(what)
