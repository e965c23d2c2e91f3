"""What the events of the last weeks add up to: arrivals by day, coverage and failures by week.

There is no list of sums beside the events: these are counted from an index, a range of time each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from catalog.models import Event, Track

DAYS = 28
WEEKS = 13  # as long as events are kept
GAINS = (Event.Kind.FINISH, Event.Kind.ADOPT, Event.Kind.RESTORE)
LOSSES = (Event.Kind.VANISH,)


@dataclass(frozen=True, slots=True)
class Span:
    """Days ``first`` to ``last``, both of them included, in the server's zone."""

    first: date
    last: date

    @property
    def begins(self) -> datetime:
        return _midnight(self.first)

    @property
    def ends(self) -> datetime:
        return _midnight(self.last + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Week:
    """One week: songs wanted and songs here at its end."""

    span: Span
    songs: int
    here: int


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def days(now: datetime) -> list[Span]:
    """The last `DAYS` days, today last."""
    today = timezone.localtime(now).date()
    return [Span(day, day) for day in (today - timedelta(days=back) for back in range(DAYS - 1, -1, -1))]


def weeks(now: datetime) -> list[Span]:
    """The last `WEEKS` weeks, each of seven days; the last one ends today."""
    today = timezone.localtime(now).date()
    ends = [today - timedelta(days=7 * back) for back in range(WEEKS - 1, -1, -1)]
    return [Span(last - timedelta(days=6), last) for last in ends]


def arrived(spans: list[Span]) -> list[int]:
    """Downloads that ended in each of these times: one statement, and of it each part a range of `event_by_kind`."""
    part = "SELECT %s, COUNT(*) FROM catalog_event WHERE kind = %s AND at >= %s AND at < %s"
    written = connection.ops.adapt_datetimefield_value
    values = [
        (place, Event.Kind.FINISH.value, written(span.begins), written(span.ends)) for place, span in enumerate(spans)
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(spans)), list(chain.from_iterable(values)))
        return [number for _, number in sorted(cursor.fetchall())]


def failed(span: Span) -> dict[str, int]:
    """Tries that failed in this time, by kind of error; "" for those of a version that did not write it down."""
    rows = Event.objects.filter(kind=Event.Kind.FAIL, at__gte=span.begins, at__lt=span.ends).order_by()
    return dict(rows.values_list("error_kind").annotate(number=Count("pk")))


def by_week(now: datetime, songs: int, here: int) -> list[Week]:
    """The last weeks, counted back from ``songs`` and ``here`` of now by what has come and gone since.

    Weeks before the first song are left out. Songs that nobody wants any more are left out of the past too.
    """
    found: list[Week] = []
    added_until = Track.objects.wanted().order_by()
    for span in reversed(weeks(now)):
        if not songs:
            break
        found.append(Week(span, songs, max(0, min(here, songs))))
        here -= _number(GAINS, span.begins, span.ends) - _number(LOSSES, span.begins, span.ends)
        songs -= added_until.filter(added_at__gte=span.begins, added_at__lt=span.ends).count()
    return found[::-1]


def _number(kinds: tuple[Event.Kind, ...], begins: datetime, ends: datetime) -> int:
    """One count for each kind: each is a range of the index `event_by_kind`."""
    return sum(Event.objects.filter(kind=kind, at__gte=begins, at__lt=ends).order_by().count() for kind in kinds)
