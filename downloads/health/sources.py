"""Health of what songs come from and through: Spotify, the audio source, and the programs that downloads need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from catalog.models import Event, Run, Track
from catalog.models.settings import value
from catalog.spotify import accounts
from catalog.system.command_line import update_ytdlp
from catalog.text.humanize import ago, ahead, count
from downloads import checks
from downloads.audio.convert import needed
from downloads.audio.ffmpeg import find_ffmpeg, writes
from downloads.failures.kinds import DownloadError
from downloads.fetch import ytdlp_version
from downloads.fetch.login_cookies import login_cookies
from downloads.fetch.ytdlp import find_deno
from downloads.health.check import Check, check

SYNC_LATE = timedelta(hours=6)  # at least; one comes every hour unless a person changed that
LATELY = timedelta(days=1)
STUCK_AFTER = timedelta(hours=2)
COUNTED_TO = 10_000


def source_checks(conditions: dict[str, Any], now: datetime) -> Iterator[Check]:
    """Accounts, the last sync, pauses, yt-dlp, ffmpeg, the JavaScript runtime, and whether songs arrive."""
    services = {service["name"]: service for service in conditions["services"]}
    yield from _accounts(now)
    yield _sync(now)
    yield _service(services["spotify"], "Spotify's answers", now, _spotify_calls(now))
    yield _service(services["audio"], "Audio source", now)
    if value("AUDIO_SOURCE") == "youtube":
        yield _ytdlp(now)
        runtime = find_deno()
        missing = "" if runtime else "None was found; YouTube gives few formats without one."
        cure = "Install deno (https://deno.com) so that it is on PATH; it is found without a restart."
        yield check("javascript", "JavaScript runtime", "deno is here.", fail=missing, cure=cure)
        if settings.YOUTUBE_COOKIES:
            yield _cookies(now)
    yield _ffmpeg()
    yield _failures(now)
    yield _arrivals(conditions, now)


def _accounts(now: datetime) -> Iterator[Check]:
    statuses = accounts.account_statuses(now)
    if not statuses:
        yield check("account", "Spotify account", "None is connected; songs come from imported files.")
    for status in statuses:
        until = f", until {status.ends_at:%-d %B %Y}" if status.ends_at else ""
        warn = status.advice if status.mood == "warn" else ""
        fail = status.advice or status.word if status.mood == "bad" else ""
        cure = "Settings, Spotify, Reconnect."
        yield check("account", f"Spotify account {status.account}", f"Connected{until}.", warn, fail, cure)


def _sync(now: datetime) -> Check:
    run = Run.objects.filter(kind=Run.Kind.SYNC).first()
    if run is None:
        return check("sync", "Sync", "None has run yet.")
    words = f"Last begun {ago(run.started_at, now)}."
    expected = accounts.account_statuses(now)
    overdue = max(SYNC_LATE, 2 * timedelta(minutes=value("SYNC_MINUTES")))
    late = words if expected and now - run.started_at > overdue else ""
    cure = "Press Sync now; it says what stands in the way."
    return check("sync", "Sync", words, warn=run.problem if run.ok is False else late, cure=cure)


def _spotify_calls(now: datetime) -> str:
    """Spotify names no quota: what syncs have asked is all that can be said before it refuses."""
    runs = Run.objects.filter(kind=Run.Kind.SYNC, started_at__gt=now - LATELY, started_at__lte=now)
    asked = sum(calls or 0 for calls in runs.values_list("report__calls", flat=True))
    return f" It was asked {count(asked, 'time')} in the last day." if asked else ""


def _service(service: dict[str, Any], title: str, now: datetime, more: str = "") -> Check:
    if not service["paused"]:
        return check(service["name"], title, f"Working.{more}")
    if service["paused_by_person"]:
        return check(service["name"], title, "", warn="Paused by a person.", cure="Press Resume downloads.")
    words = f"{service['reason']} It is tried again {ahead(service['paused_until'], now)}."
    return check(service["name"], title, "", warn=words, cure="Nothing to do; or press Go on now on the start page.")


def _ytdlp(now: datetime) -> Check:
    age = ytdlp_version.age_days(now)
    words = f"{ytdlp_version.installed_version()}, {count(age or 0, 'day')} old."
    return check(
        "ytdlp",
        "yt-dlp",
        words,
        warn=words if (age or 0) > checks.OLD_AFTER else "",
        fail="" if age is not None else "It is not installed.",
        cure=f"To update it, {update_ytdlp()}.",
    )


def _cookies(now: datetime) -> Check:
    """Of the file alone: whether YouTube still takes them shows at the next song, as "The site asks for a login."."""
    title, cure = "YouTube cookies", "Export cookies.txt anew from a browser that is logged in to YouTube."
    try:
        found = login_cookies(settings.YOUTUBE_COOKIES)
    except OSError as error:
        return check(
            "cookies", title, "", fail=f"They cannot be read: {error.strerror}.", cure="Check YOUTUBE_COOKIES."
        )
    age, until = f"written {ago(found.written_at, now)}", f", until {found.ends_at:%-d %B %Y}" if found.ends_at else ""
    warn = ""
    if not found.has_login:
        warn = f"Nobody is logged in there ({age}): YouTube takes you for a guest."
    elif found.ends_at and found.ends_at <= now:
        warn = f"The login ended on {found.ends_at:%-d %B %Y} ({age})."
    return check("cookies", title, f"With a login{until} ({age}).", warn=warn, cure=cure)


def _ffmpeg() -> Check:
    """Whether it is there, may be run, and writes the format that is wanted."""
    cure = "Install a whole ffmpeg, or reinstall requirements.txt, which brings one."
    lacking: list[str] = []
    try:
        path = find_ffmpeg()
        problem = "" if os.access(path, os.X_OK) else f"{path} may not be run."
        lacking = [] if problem else sorted(needed(value("AUDIO_FORMAT")) - writes(path))
    except DownloadError as error:
        problem = str(error)
    except (OSError, TimeoutError) as error:
        problem = f"{path} does not start: {error}."
    if lacking:
        problem = f"{path} cannot write {', '.join(lacking)}, which songs are kept in."
    return check("ffmpeg", "ffmpeg", "Here, and it writes what songs are kept in.", fail=problem, cure=cure)


def _failures(now: datetime) -> Check:
    lately = Event.objects.filter(at__gt=now - LATELY)
    failed = lately.filter(kind=Event.Kind.FAIL).order_by()[:COUNTED_TO].count()
    arrived = lately.filter(kind=Event.Kind.FINISH).order_by()[:COUNTED_TO].count()
    words = f"{count(arrived, 'song')} arrived in the last day, {count(failed, 'try', 'tries')} failed."
    many = failed >= 20 and failed > 4 * arrived
    return check("failures", "Failures", words, warn=words if many else "", cure="See Activity, Failures, by reason.")


def _arrivals(conditions: dict[str, Any], now: datetime) -> Check:
    """Something is due and nothing stands in the way, yet nothing has happened for two hours."""
    blocked = conditions["storage"]["state"] != "online" or any(
        service["paused"] for service in conditions["services"] if service["name"] == "audio"
    )
    waiting = Track.objects.missing().filter(retry_after__lt=now - STUCK_AFTER).exists()
    ends = Event.objects.filter(at__gt=now - STUCK_AFTER, kind__in=[Event.Kind.FINISH, Event.Kind.FAIL])
    stuck = waiting and not blocked and not ends.exists() and not Track.objects.downloading().exists()
    warn = "Songs have been due for two hours, and none was tried." if stuck else ""
    return check("queue", "Queue", "Nothing is stuck.", warn=warn, cure="Start Tonekeep again, then look at its log.")
