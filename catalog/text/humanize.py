"""Numbers, times and sizes as a person says them. Pure: the clock comes in as an argument."""

from __future__ import annotations

from datetime import datetime, timedelta

# The longest unit of which there are at least two, so that "90 min" is not said as "1 h". Seconds per unit.
_UNITS = ((604_800, "weeks"), (86_400, "days"), (3_600, "h"), (60, "min"))
_NEVER = "never"


def span(length: timedelta) -> str:
    """A length of time in one unit: "45 s", "5 min", "2 h", "3 days"."""
    seconds = max(0, round(length.total_seconds()))
    unit = next(((size, word) for size, word in _UNITS if seconds >= 2 * size), None)
    if unit is None:
        return f"{seconds} s" if seconds < 60 else "1 min"
    return f"{round(seconds / unit[0])} {unit[1]}"


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago: "just now", "5 min ago", "never"."""
    if moment is None:
        return _NEVER
    return "just now" if now - moment < timedelta(seconds=10) else f"{span(now - moment)} ago"


def ahead(moment: datetime | None, now: datetime) -> str:
    """How far ahead: "now", "in 5 min"."""
    return "now" if moment is None or moment <= now else f"in {span(moment - now)}"


class AtLeast(int):
    """A number of rows that were counted no further."""


def number(value: int) -> str:
    """1204567 -> "1,204,567"; with a plus sign where it was counted no further."""
    return f"{value:,}+" if isinstance(value, AtLeast) else f"{value:,}"


def count(value: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 song", "1,204 songs"."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def length(milliseconds: int | None) -> str:
    """A track's length as players show it: "3:07", "1:02:09"; "" where unknown."""
    if milliseconds is None:
        return ""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def size(number: int | None) -> str:
    """Bytes in powers of ten, as disks are sold: "4.2 MB"; "" where unknown."""
    if number is None:
        return ""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
