"""The three pictures, as bars of an SVG that the server draws: arrivals by day, coverage and failures by week.

Each bar has a title, and the same numbers stand in a table below the picture.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from catalog.models import Track
from catalog.reports import history
from catalog.reports.history import Span, Week
from catalog.text.humanize import count
from downloads.failures.kinds import ERROR_KINDS

HEIGHT = 44  # of every picture, in units of its view box
STEP = {history.DAYS: 9, history.WEEKS: 20}  # from bar to bar
GAP = 2
SERIES = 4  # kinds of failures that have a colour of their own, from `MOODS`; the others are told together
MOODS = ("ask", "later", "busy", "wait")
OTHERS = "others"
KEPT_FOR = 600  # seconds: the pictures of weeks hardly change
_kept: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle: ``mood`` names its colour, ``label`` says what it shows."""

    x: float
    y: float
    width: float
    height: float
    mood: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``title`` says the whole picture in a sentence. ``rows`` are of its table: the span, then numbers with their
    columns. ``columns`` are (name, word, mood)."""

    title: str
    width: int
    bars: list[Bar]
    columns: list[tuple[str, str, str]]
    rows: list[tuple[Span, list[tuple[str, int]]]]
    total: int
    without: str = ""  # the named kinds, for the link behind the others


def arrivals(now: datetime) -> Chart:
    """Songs that arrived on each of the last four weeks' days."""
    days = history.days(now)
    rows = list(zip(days, history.arrived(days), strict=True))
    highest, total = max(number for _, number in rows), sum(number for _, number in rows)
    bars = [
        _bar(place, len(rows), 0, number, highest, "ok", f"{span.last:%-d %B}: {number}", least=1)
        for place, (span, number) in enumerate(rows)
    ]
    title = f"{count(total, 'song')} arrived in the last {len(rows)} days, at most {highest} on one day"
    table = [(span, [("arrived", number)]) for span, number in rows if number]
    return _chart(title, bars, [("arrived", "Songs", "ok")], table, total)


def coverage(now: datetime) -> Chart | None:
    """Songs that were wanted and here at the end of each week; None where there are less than two weeks to show."""
    rows = _weeks(now)
    if len(rows) < 2:
        return None
    highest = max(week.songs for week in rows)
    bars = []
    for place, week in enumerate(rows, start=history.WEEKS - len(rows)):
        label = f"{week.span.last:%-d %B}: {week.here:,} of {week.songs:,} here"
        bars.append(_bar(place, history.WEEKS, 0, week.songs, highest, "wait", label))
        bars.append(_bar(place, history.WEEKS, 0, week.here, highest, "ok", label))
    first, last = rows[0], rows[-1]
    title = f"{_share(first)} of the songs were here {len(rows)} weeks ago, {_share(last)} are now"
    table = [(week.span, [("here", week.here), ("songs", week.songs)]) for week in rows]
    columns = [("here", "Here", "ok"), ("songs", "Songs", "wait")]
    return _chart(title, bars, columns, table, last.songs)


def failures(now: datetime) -> Chart | None:
    """Tries that failed in each week, by reason; None where none did."""
    rows = [(span, history.failed(span)) for span in history.weeks(now)]
    sums = sum((Counter(kinds) for _, kinds in rows), Counter[str]())
    if not sums:
        return None
    names = [name for name, _ in sums.most_common() if name][:SERIES]
    columns = [(name, sentence(name), mood) for name, mood in zip(names, MOODS, strict=False)]
    if sums.total() > sum(sums[name] for name in names):
        columns.append((OTHERS, "Other reasons", "rest"))
    highest = max(sum(kinds.values()) for _, kinds in rows)
    bars, table = [], []
    for place, (span, kinds) in enumerate(rows):
        numbers = {name: kinds.get(name, 0) for name in names}
        numbers[OTHERS] = sum(kinds.values()) - sum(numbers.values())
        below = 0
        for name, word, mood in columns:
            if numbers[name]:
                label = f"Week to {span.last:%-d %B}: {numbers[name]:,}. {word}"
                bars.append(_bar(place, len(rows), below, numbers[name], highest, mood, label))
                below += numbers[name]
        if below:
            table.append((span, [(name, numbers[name]) for name, _, _ in columns]))
    title = f"{count(sums.total(), 'try', 'tries')} failed in the last {len(rows)} weeks, at most {highest:,} in one"
    return _chart(title, bars, columns, table, sums.total(), ",".join(names))


def sentence(kind: str) -> str:
    """What a kind of error is called on the pages."""
    return ERROR_KINDS[kind].sentence if kind in ERROR_KINDS else kind.replace("_", " ")


def _weeks(now: datetime) -> list[Week]:
    """Some minutes old at most: a first start of 300,000 downloads takes tens of milliseconds to count."""
    asked = (str(settings.DATA_DIR), int(now.timestamp()) // KEPT_FOR)
    if _kept.get("asked") != asked:
        counters = Track.objects.counts()
        _kept.update(asked=asked, weeks=history.by_week(now, counters["songs"], counters["downloaded"]))
    weeks: list[Week] = _kept["weeks"]
    return weeks


def _share(week: Week) -> str:
    return f"{100 * week.here // week.songs} %"


def _bar(place: int, of: int, below: int, number: int, highest: int, mood: str, label: str, least: float = 0) -> Bar:
    """One bar, or a part of one that stands on ``below``."""
    step, scale = STEP[of], (HEIGHT - 2) / highest if highest else 0
    height = max(round(number * scale, 1), least)
    return Bar(place * step, round(HEIGHT - below * scale - height, 1), step - GAP, height, mood, label)


def _chart(title: str, bars: list[Bar], columns: list[Any], rows: list[Any], total: int, without: str = "") -> Chart:
    return Chart(title, int(bars[-1].x + bars[-1].width + GAP), bars, columns, rows, total, without)
