"""The lists behind the numbers: each counter and each name on a page leads to exactly the rows it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from catalog.db.id_sets import id_subquery
from catalog.models import Album, Artist, Credit, Entry, Event, Track, TrackQuerySet
from catalog.reports import plan
from catalog.tracks.transitions import host_of

FEW = 5_000
FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
BY_ID = ("pk",)
BY_DUE = ("retry_after", "pk")


@dataclass(frozen=True, slots=True)
class Listing:
    """``rows`` answers the list at a moment, ``by`` is the order it is paged in; ``empty`` is said of an empty one."""

    name: str
    title: str
    rows: Callable[[datetime], TrackQuerySet]
    empty: str
    by: tuple[str, ...] = BY_ID


# The word after ?status=, as the counters and the admin use it. In the order of the tabs.
LISTINGS = {
    listing.name: listing
    for listing in (
        Listing("songs", "All songs", lambda now: Track.objects.wanted(), "No song is wanted yet."),
        Listing("missing", "Missing", lambda now: Track.objects.missing(), "Nothing is missing."),
        Listing(
            "downloading", "Downloading", lambda now: Track.objects.downloading(), "Nothing is being downloaded now."
        ),
        Listing("downloaded", "Downloaded", lambda now: Track.objects.downloaded(), "No song is on disk yet."),
        Listing("failed", "Failed", lambda now: Track.objects.failed(), "No song has failed."),
        Listing("ready", "Ready", lambda now: Track.objects.queue(now), "Nothing is due now.", BY_DUE),
        Listing(
            "cooling",
            "Waiting to retry",
            lambda now: Track.objects.cooling(now),
            "Nothing waits to be retried.",
            BY_DUE,
        ),
        Listing("plan_here", "In the plan: here already", lambda now: plan.here(plan.planned()), "None is here yet."),
        Listing("plan_ask", "In the plan: to look at", lambda now: plan.asked(plan.planned()), "None is in doubt."),
        Listing(
            "plan_fetch", "In the plan: to download", lambda now: plan.to_fetch(plan.planned()), "None is missing."
        ),
        Listing("known", "All songs, wanted or not", lambda now: Track.objects.all(), "No song is known yet."),
        Listing("not_wanted", "Not wanted", lambda now: Track.objects.not_wanted(), "Every song is wanted."),
    )
}


def narrowed(tracks: TrackQuerySet, filters: dict[str, str]) -> TrackQuerySet:
    """``tracks`` narrowed to ``artist``, ``album``, ``collection`` (row ids), an ``error`` kind, a day, words ``q``.

    ``host``: what that one downloads now.
    """
    if filters.get("artist"):
        tracks = tracks.filter(pk__in=Credit.objects.filter(artist=_row_id(filters["artist"])).values("track"))
    if filters.get("album"):
        tracks = tracks.filter(album=_row_id(filters["album"]))
    if filters.get("collection"):
        entries = Entry.objects.filter(collection=_row_id(filters["collection"]), track__isnull=False)
        tracks = tracks.filter(pk__in=entries.values("track"))
    if filters.get("error"):
        tracks = tracks.filter(error_kind=filters["error"])
    if filters.get("host"):
        claims = Track.objects.downloading().values_list("pk", "claim")
        tracks = tracks.filter(pk__in=[pk for pk, claim in claims if host_of(claim or "") == filters["host"]])
    if filters.get("since"):
        tracks = _added_since(tracks, day_of(filters["since"]) or FIRST_DAY)
    for word in filters.get("q", "").replace("\0", "").split()[:8]:
        tracks = tracks.filter(_says(word))
    return tracks


def _added_since(tracks: TrackQuerySet, day: datetime) -> TrackQuerySet:
    """Few songs are named one by one: else the newest of a million are walked through until a hundred were found."""
    ids = list(Track.objects.filter(added_at__gte=day).order_by().values_list("pk", flat=True)[: FEW + 1])
    return tracks.filter(pk__in=id_subquery(ids)) if len(ids) <= FEW else tracks.filter(added_at__gte=day)


def day_of(text: str) -> datetime | None:
    """The beginning of a day (YYYY-MM-DD) in the server's zone; None for anything else."""
    try:
        return timezone.make_aware(datetime.strptime(text, "%Y-%m-%d"))
    except (ValueError, OverflowError):
        return None


def _row_id(text: str) -> int:
    """A row's id; 0, which no row has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _says(word: str) -> Q:
    """Title, artist or album holds the word, or it is the ISRC or the Spotify id.

    ``identity`` and ``key`` are case-folded in every script; the database's own folding may know only ASCII.
    Albums and artists are looked through once and not for each track: they are a twelfth and less.
    """
    folded = word.casefold()
    performers = Artist.objects.filter(key__contains=folded).order_by()
    return (
        Q(title__icontains=word)
        | Q(identity__contains=folded)
        | Q(album__in=Album.objects.filter(title__icontains=word).order_by())
        | Q(isrc=word.upper())
        | Q(spotify_id=word)
        | Q(pk__in=Credit.objects.filter(artist__in=performers).values("track"))
    )


def artists() -> Any:
    """Artists of wanted tracks: what the counter counts."""
    return Artist.objects.filter(wanted=True)


def albums() -> Any:
    """Albums of wanted tracks: what the counter counts."""
    return Album.objects.filter(wanted=True)


def with_songs(rows: list[Artist] | list[Album]) -> list[dict[str, Any]]:
    """The rows of one page with their numbers of wanted songs, of those here, and of those missing."""
    through = "credits__artist" if rows and isinstance(rows[0], Artist) else "album"
    grouped = Track.objects.wanted().filter(**{f"{through}__in": [row.pk for row in rows]}).order_by().values(through)
    sums = grouped.annotate(
        songs=Count("pk", distinct=True),
        here=Count("pk", distinct=True, filter=Q(status=Track.Status.DOWNLOADED)),
        missing=Count("pk", distinct=True, filter=Q(status=Track.Status.MISSING)),
    )
    by_key = {row[through]: row for row in sums}
    names = ("songs", "here", "missing")
    return [{"row": row, **{name: by_key.get(row.pk, {}).get(name, 0) for name in names}} for row in rows]


def last_events(track: Track, most: int = 50) -> list[Event]:
    """What happened to a track, the latest first."""
    return list(track.events.all()[:most])
