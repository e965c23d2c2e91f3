"""What pages say of the tools that fetch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings

from downloads import checks
from downloads.jobs import cluster_state
from downloads.worker import upgrade_retry

register = template.Library()


@register.inclusion_tag("parts/ytdlp.html")
def ytdlp(now: datetime) -> dict[str, Any]:
    """The installed yt-dlp, its age in days, and how it is updated; nothing where songs come from elsewhere."""
    used = settings.AUDIO_SOURCE == "youtube"
    age = upgrade_retry.ytdlp_age(now) if used else None
    return {"used": used, "version": upgrade_retry.ytdlp_version(), "age": age, "old": (age or 0) > checks.OLD_AFTER}


@register.simple_tag
def asked_for(what: str) -> bool:
    """Whether a person asked for ``what`` and no job has taken it up yet. A look into DATA_DIR, not at the music."""
    return cluster_state.flag_file("asked", what).exists()
