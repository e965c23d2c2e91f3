"""Programs that fetching cannot do without: said by `manage.py check` and at each start."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning, register
from django.utils import timezone

from catalog.system.command_line import update_ytdlp
from downloads.audio.ffmpeg import find_ffmpeg
from downloads.failures.kinds import DownloadError
from downloads.fetch import ytdlp_version
from downloads.search.sources import source

OLD_AFTER = 60  # days: sites change within weeks, and yt-dlp follows within days


@register("installation")
def no_ffmpeg(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without ffmpeg no file can be proven, and so none is fetched."""
    try:
        found = find_ffmpeg()
    except DownloadError as error:
        hint = "Install ffmpeg, or reinstall requirements.txt, which brings one."
        return [Warning(str(error), hint=hint, id="downloads.W001")]
    return [] if os.access(found, os.X_OK) else [Warning(f"{found} may not be run.", id="downloads.W001")]


@register("installation")
def more_workers_than_sqlite_likes(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """SQLite has one writer at a time: four were measured to lose nothing, more only wait for one another."""
    if not settings.SQLITE or settings.DOWNLOAD_WORKERS <= 4:
        return []
    text = f"DOWNLOAD_WORKERS is {settings.DOWNLOAD_WORKERS}, with SQLite."
    return [Warning(text, hint="Set it to 4 or fewer, or use PostgreSQL (DATABASE_URL).", id="downloads.W002")]


@register("installation")
def yt_dlp_is_old(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An old yt-dlp fails where a new one would not; the failures look like the site's."""
    age = ytdlp_version.age_days(timezone.now())  # not the database's: checks run without one
    if not source(settings.AUDIO_SOURCE).needs_ytdlp or age is None or age <= OLD_AFTER:
        return []
    text = f"yt-dlp {ytdlp_version.installed_version()} is {age} days old; YouTube has changed since."
    return [Warning(text, hint=f"To update it, {update_ytdlp()}.", id="downloads.W003")]


@register("installation")
def mp3_has_its_price(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """YouTube delivers AAC and Opus: an mp3 of either is a second lossy pass (measured: 2.4 s for 4 minutes)."""
    if not source(settings.AUDIO_SOURCE).needs_ytdlp or settings.AUDIO_FORMAT != "mp3":
        return []
    text = "AUDIO_FORMAT is mp3: every song is encoded a second time, which loses some of its sound for good."
    hint = "With best or m4a the sound stays as it is delivered; nearly every player plays m4a."
    return [Info(text, hint=hint, id="downloads.I004")]
