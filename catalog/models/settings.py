"""What can be set on a page: one row for each setting that was changed, read through one door, `value`.

The environment wins, then the page's row, then the default. Rows are read when a value is needed: a change holds from
the next decision on, in every process, without a restart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.db import models

from catalog.text import setting_values as values


class Setting(models.Model):
    """A setting's value as it was written on the page. ``name`` is a key of `SETTINGS`."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.TextField()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Definition:
    """``read`` makes the value of (name, text) or raises ValueError with a sentence.

    ``attribute`` is the Django setting that the environment fills, whose value counts where no row is; ``default`` is
    used where there is none. ``scale`` is what the page's number is multiplied by; ``lines``: written one a line.
    ``group`` is a section of the page. ``at_start``: a change holds from the next start on, all others at once.
    """

    label: str
    help: str
    read: Callable[[str, str], Any]
    attribute: str = ""
    default: str = ""
    scale: int = 1
    choices: tuple[str, ...] = ()
    lines: bool = False
    group: str = "downloads"
    at_start: bool = False
    suggested: Callable[[], tuple[str, ...]] = tuple


SOURCES = ("youtube", "archive")
REMOVALS = ("keep", "bin")
WATCHING = ("auto", "poll", "off")
FORMATS = ("best", "m4a", "opus", "mp3")


def _whole(least: int, most: int) -> Callable[[str, str], int]:
    return partial(values.whole, least=least, most=most)


def _time_zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


# The sections of the page: name, title.
GROUPS = {
    "downloads": "Downloading",
    "ask": "Ask me first",
    "folder": "Music folder",
    "page": "Playlists and pages",
}
SETTINGS = {
    "AUDIO_SOURCE": Definition(
        "Audio source", "“archive” is a server of your own, at the address below.",
        partial(values.choice, allowed=SOURCES), "AUDIO_SOURCE", choices=SOURCES,
    ),
    "ARCHIVE_URL": Definition(
        "Address of your own server", "Used where the audio source is “archive”.", values.address, "ARCHIVE_URL",
    ),
    "AUDIO_FORMAT": Definition(
        "Audio format", "“best” keeps the sound as delivered; the others convert where needed.",
        partial(values.choice, allowed=FORMATS), "AUDIO_FORMAT", choices=FORMATS,
    ),
    "LEAST_KBPS": Definition(
        "Least quality, kbit/s",
        "Recordings with less are not taken, unless you choose one yourself. YouTube delivers about 130; 0: about 50.",
        _whole(0, 320), default="0",
    ),
    "DOWNLOAD_WORKERS": Definition(
        "Downloads at once", "More than 4 help only with PostgreSQL.", _whole(1, 16), "DOWNLOAD_WORKERS",
        at_start=True,
    ),
    "YOUTUBE_PER_HOUR": Definition(
        "Songs an hour at most", "YouTube stops guests at about 300.", _whole(1, 1000), "YOUTUBE_PER_HOUR"
    ),
    "DOWNLOAD_KB_PER_SECOND": Definition(
        "Bandwidth, kB a second", "Of each download; 0: no limit.", values.bandwidth, "DOWNLOAD_KB_PER_SECOND"
    ),
    "FETCH_HOURS": Definition(
        "Download only in these hours",
        "Like 22:00-06:00, several with commas between; empty: always. For quiet nights, or a line that costs by day.",
        values.hours,
    ),
    "SYNC_MINUTES": Definition(
        "Look at Spotify every … minutes", "An unchanged library costs a handful of calls.", _whole(5, 10_080),
        default="60",
    ),
    "PLAN_SONGS": Definition(
        "Ask before more than … new songs", "More than these at once wait for you on the page of the plan.",
        _whole(0, 1_000_000), default="200", group="ask",
    ),
    "PLAN_GB": Definition(
        "Ask before more than … GB", "As above, by their size.", partial(values.number, least=0, most=1_000_000),
        default="5", group="ask",
    ),
    "HOLD_FILES": Definition(
        "Ask when more than … files disappear at once",
        "They are downloaded again only when you say so.", _whole(0, 1_000_000), default="20", group="ask",
    ),
    "HOLD_PERCENT": Definition(
        "… and more than … % of all files", "Both must be so.", _whole(0, 100), default="5", group="ask",
    ),
    "MIN_FREE_GB": Definition(
        "Keep free on the disk, GB", "Nothing is downloaded while the disk has less free space.",
        partial(values.number, least=0, most=1_000_000), "MIN_FREE_BYTES", scale=1_000_000_000, group="folder",
    ),
    "UNWANTED_FILES": Definition(
        "Files of songs that nothing holds any more",
        "“keep” leaves them, “bin” moves them to a dated bin. For playlists and albums that come from now on; each can "
        "say otherwise.",
        partial(values.choice, allowed=REMOVALS), default="keep", choices=REMOVALS, group="folder",
    ),
    "WATCH": Definition(
        "Watch the music folder",
        "“auto” hears of changes where the disk tells of them, “poll” looks every few minutes.",
        partial(values.choice, allowed=WATCHING), "WATCH", choices=WATCHING, group="folder",
    ),
    "IGNORED_FOLDERS": Definition(
        "Folders to leave alone",
        "One name a line, like Podcasts. Nothing below a folder of that name, wherever it lies, is taken for a song.",
        values.folder_names, lines=True, group="folder",
    ),
    "PLAYLISTS_FOLDER": Definition(
        "Folder of the playlist files",
        "Its name, in the music folder. After a change they are written anew there; those in the former folder stay.",
        values.folder_name, default="Playlists", group="page",
    ),
    "TIME_ZONE": Definition(
        "Time zone", "A name like Europe/Berlin.", values.time_zone, "TIME_ZONE", group="page", suggested=_time_zones,
    ),
}  # fmt: skip


def is_fixed(name: str) -> bool:
    """Whether the environment says it: then no page changes it."""
    return name in settings.SET_BY_ENVIRONMENT


def _row(name: str) -> str | None:
    """What the page says; None where it says nothing, or the environment has the word."""
    return None if is_fixed(name) else Setting.objects.filter(pk=name).values_list("value", flat=True).first()


def value(name: str) -> Any:
    """What holds now: the environment's value, else the page's, else the default."""
    definition, row = SETTINGS[name], _row(name)
    if row is not None:
        try:
            reading = definition.read(name, row)
            return reading * definition.scale if definition.scale != 1 else reading
        except ValueError:  # written by another version that allowed it
            pass
    if definition.attribute:
        return getattr(settings, definition.attribute)
    return definition.read(name, definition.default)


def written(name: str) -> str:
    """What holds now as a person writes it."""
    definition, row = SETTINGS[name], _row(name)
    if row is not None:
        return row
    if not definition.attribute:
        return definition.default
    plain = getattr(settings, definition.attribute)
    return f"{plain / definition.scale:g}" if definition.scale != 1 else str(plain)


def save_settings(texts: dict[str, str]) -> dict[str, str]:
    """Write what a person has written, or nothing where one of them cannot be used: then the sentences, by name.

    An empty text goes back to the default. What the environment says is left out.
    """
    wished = {name: text.strip() for name, text in texts.items() if name in SETTINGS and not is_fixed(name)}
    problems = {}
    for name, text in wished.items():
        try:
            SETTINGS[name].read(name, text) if text else None
        except ValueError as error:
            problems[name] = str(error).replace(name, SETTINGS[name].label, 1)
    if not problems and _source_of(wished) == "archive" and not (wished.get("ARCHIVE_URL") or written("ARCHIVE_URL")):
        problems["ARCHIVE_URL"] = "The audio source is archive: write the address of the server."
    if problems:
        return problems
    for name, text in wished.items():
        if not text:
            Setting.objects.filter(pk=name).delete()
        elif text != written(name):
            Setting.objects.update_or_create(pk=name, defaults={"value": text})
    return {}


def _source_of(wished: dict[str, str]) -> str:
    return wished.get("AUDIO_SOURCE", "").lower() or written("AUDIO_SOURCE")
