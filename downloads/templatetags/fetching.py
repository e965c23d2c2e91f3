"""What pages say of the tools that fetch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings

from downloads import checks, renewal

register = template.Library()


@register.inclusion_tag("parts/ytdlp.html")
def ytdlp(now: datetime) -> dict[str, Any]:
    """The installed yt-dlp, its age in days, and how it is updated; nothing where songs come from elsewhere."""
    age = renewal.ytdlp_age(now)
    used = settings.AUDIO_SOURCE == "youtube"
    return {"used": used, "version": renewal.ytdlp_version(), "age": age, "old": (age or 0) > checks.OLD_AFTER}
