"""Values that a person writes, in the environment or on a page: read, or refused with a sentence (ValueError). Pure."""

from __future__ import annotations

import re
from datetime import time
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from catalog.text.path_key import path_key

_WINDOW = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*-\s*(\d{1,2})(?::(\d{2}))?")


def number(name: str, raw: str, least: float, most: float) -> float:
    """A number within [least, most]."""
    try:
        value = float(raw)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise ValueError(f"{name} is {raw!r}; write a number from {least:g} to {most:,.0f}.")
    return value


def whole(name: str, raw: str, least: int, most: int) -> int:
    """A whole number within [least, most]."""
    value = number(name, raw, least, most)
    if value != int(value):
        raise ValueError(f"{name} is {raw!r}; write a whole number from {least} to {most}.")
    return int(value)


def choice(name: str, raw: str, allowed: tuple[str, ...]) -> str:
    """One of a few words, in any case."""
    value = raw.lower()
    if value not in allowed:
        raise ValueError(f"{name} is {raw!r}; write one of {', '.join(allowed)}.")
    return value


def address(name: str, raw: str) -> str:
    """An http(s) address, without its trailing slash."""
    if not is_address(raw):
        raise ValueError(f"{name} is {raw!r}; write an address that starts with http:// or https://.")
    return raw.rstrip("/")


def is_address(raw: str) -> bool:
    """Whether it is one."""
    try:
        parts = urlsplit(raw)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and " " not in raw
    except ValueError:  # a bracket or a port that is none
        return False


def time_zone(name: str, raw: str) -> str:
    """A name of the time zone database."""
    try:
        ZoneInfo(raw)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(f"{name} is {raw!r}; write a name like Europe/Berlin or UTC.") from None
    return raw


def bandwidth(name: str, raw: str) -> int:
    """Kilobytes a second; 0 for no limit."""
    value = whole(name, raw, 0, 1_000_000)
    if 0 < value < 32:
        raise ValueError(f"{name} is too low for a song; write 32 or more, or 0 for no limit.")
    return value


def folder_names(name: str, raw: str) -> frozenset[str]:
    """Names of folders, one a line: their `path_key`s, as `catalog.scanning.ignored` compares them."""
    names = [line.strip() for line in raw.splitlines() if line.strip()]
    for line in names:
        if "/" in line or "\\" in line or line in {".", ".."}:
            raise ValueError(f"{name} names {line!r}; write the folder's name alone, one a line, without slashes.")
    return frozenset(map(path_key, names))


def folder_name(name: str, raw: str) -> str:
    """The name of one folder that players show."""
    if "/" in raw or "\\" in raw or raw.startswith(".") or not raw.isprintable() or len(raw.encode()) > 100:
        raise ValueError(
            f"{name} is {raw!r}; write a folder's name alone, without slashes and no dot at its beginning."
        )
    return raw


def hours(name: str, raw: str) -> tuple[tuple[int, int], ...]:
    """Windows of the day like "22:00-06:00, 13-14", each as (first, last minute); () for the whole day."""
    windows = []
    for part in filter(None, (part.strip() for part in raw.split(","))):
        found = _WINDOW.fullmatch(part)
        times = found and [int(text or 0) for text in found.groups()]
        if not times or times[0] > 24 or times[2] > 24 or times[1] > 59 or times[3] > 59:
            raise ValueError(f"{name} is {raw!r}; write hours like 22:00-06:00, several with commas between.")
        windows.append(((times[0] * 60 + times[1]) % 1440, (times[2] * 60 + times[3]) % 1440))
    return tuple(windows)


def is_within(windows: tuple[tuple[int, int], ...], moment: time) -> bool:
    """Whether this time of the day lies in one of the windows; one may go over midnight. True without any."""
    minute = moment.hour * 60 + moment.minute
    for first, last in windows:
        if first < last and first <= minute < last:
            return True
        if first >= last and (minute >= first or minute < last):
            return True
    return not windows
