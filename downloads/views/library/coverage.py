"""Counting the states of songs as the bar of coverage shows them, and the lists behind its parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Count, Q

from catalog.models import Track, TrackQuerySet
from catalog.reports.coverage import Part, parts
from catalog.reports.listings import BY_DUE, LISTINGS, Listing
from downloads.failures.kinds import NEEDS_PERSON

ASKS = Q(error_kind__in=NEEDS_PERSON)

# The lists of `catalog.reports.listings`, and those that know which errors ask a person.
LISTS = {
    **LISTINGS,
    "up_next": Listing(
        "up_next", "Up next", lambda now: Track.objects.queue(now).exclude(ASKS), "Nothing is up next.", BY_DUE
    ),
    "waiting": Listing(
        "waiting", "Waiting to retry", lambda now: Track.objects.cooling(now).exclude(ASKS), "Nothing waits.", BY_DUE
    ),
    "review": Listing("review", "To choose for", lambda now: Track.objects.failed().filter(ASKS), "Nothing needs you."),
}


def library_coverage(counters: Mapping[str, int], cooling: int, now: datetime) -> list[Part]:
    """The parts of the whole library, from the counters and the index of failures."""
    # Both in one go: asked for those due later alone, SQLite takes the index by time, and looks at each row.
    later = Count("pk", filter=Q(retry_after__gt=now))
    asks = Track.objects.failed().filter(ASKS).order_by().aggregate(number=Count("pk"), later=later)
    ready = counters["missing"] - cooling
    return parts(
        {
            "downloaded": counters["downloaded"],
            "downloading": counters["downloading"],
            "up_next": ready - (asks["number"] - asks["later"]),
            "waiting": cooling - asks["later"],
            "review": asks["number"],
        }
    )


def coverage_of(tracks: TrackQuerySet, now: datetime, narrowed_to: Mapping[str, int]) -> list[Part]:
    """The parts of an album's, artist's or collection's wanted songs, in one statement."""
    missing = Q(status=Track.Status.MISSING)
    counts = (
        tracks.wanted()
        .order_by()
        .aggregate(
            downloaded=Count("pk", filter=Q(status=Track.Status.DOWNLOADED)),
            downloading=Count("pk", filter=Q(status=Track.Status.DOWNLOADING)),
            up_next=Count("pk", filter=missing & Q(retry_after__lte=now) & ~ASKS),
            waiting=Count("pk", filter=missing & Q(retry_after__gt=now) & ~ASKS),
            review=Count("pk", filter=missing & ASKS),
        )
    )
    return parts(counts, narrowed_to)
