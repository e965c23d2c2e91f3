"""Which tracks are wanted, and the denormalised ``wanted`` flags of their artists and albums.

`catalog.models.TrackManager.counts` counts the flags and the pages filter by them, so that no query reads a million
tracks. Code that changes which tracks are wanted, or a track's artists or album, calls `refresh_wanted_flags` or
`mark_wanted` in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog.db.id_sets import id_subquery
from catalog.models import Album, Artist, Credit, Entry, Event, Track, TrackQuerySet
from catalog.tracks.conditional_update import BATCH, change_rows

Kind = Event.Kind


def set_wanted(track_ids: Iterable[int] | None = None) -> int:
    """Bring ``wanted`` in line with entries and ignores, for all tracks or for some. Rows changed.

    Independent of status: a file whose track is no longer wanted stays where it is.
    """
    batches = _all_tracks() if track_ids is None else _batches(list(track_ids))
    return sum(_set_wanted(Track.objects.filter(pk__in=id_subquery(batch))) for batch in batches)


def _all_tracks() -> Iterator[Sequence[int]]:
    """The ids of all tracks, `BATCH` at a time: no transaction over all of them, no list of all of them."""
    last = 0
    while batch := list(Track.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield batch
        last = batch[-1]


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _set_wanted(tracks: TrackQuerySet) -> int:
    requested = Exists(Entry.objects.filter(track=OuterRef("pk"), collection__enabled=True))
    with transaction.atomic():
        gained = tracks.filter(requested, wanted=False, ignored=False).update(wanted=True)
        lost = tracks.filter(~requested | Q(ignored=True), wanted=True).update(wanted=False)
        # Also where nothing was gained: a track that was wanted already may have come to another album.
        refresh_wanted_flags(tracks)
    return gained + lost


def ignore(tracks: TrackQuerySet, now: datetime, by: str = "") -> int:
    """A person does not want these tracks fetched. Files stay."""
    return change_rows(tracks.filter(ignored=False), Kind.IGNORE, "", now, {"ignored": True}, then=set_wanted, by=by)


def want_again(tracks: TrackQuerySet, now: datetime, by: str = "") -> int:
    """Undo `ignore`."""
    return change_rows(tracks.filter(ignored=True), Kind.WANT, "", now, {"ignored": False}, then=set_wanted, by=by)


# --- The flags of artists and albums ----------------------------------------------------------------------


def mark_wanted(albums: Iterable[int], artists: Iterable[int]) -> None:
    """Bring ``wanted`` of these albums and artists (row ids) in line with their tracks."""
    on_it = Exists(Track.objects.filter(album=OuterRef("pk"), wanted=True))
    credited = Exists(Credit.objects.filter(artist=OuterRef("pk"), track__wanted=True))
    _mark(Album.objects.filter(pk__in=set(albums)), on_it)
    _mark(Artist.objects.filter(pk__in=set(artists)), credited)


def refresh_wanted_flags(tracks: QuerySet[Track]) -> None:
    """The same for the albums and artists that these tracks have now."""
    mark_wanted(
        tracks.exclude(album=None).order_by().values_list("album", flat=True).distinct(),
        Credit.objects.filter(track__in=tracks.order_by().values("pk")).values_list("artist", flat=True).distinct(),
    )


def _mark(rows: QuerySet[Any], has_a_wanted_track: Exists) -> None:
    """Two writers who each take a different track off one album must not each see the other's: on PostgreSQL the
    second one waits for the row here, and its own statements look afterwards. SQLite has one writer at a time."""
    with transaction.atomic(savepoint=False):
        list(rows.order_by("pk").select_for_update().values_list("pk"))
        rows.filter(has_a_wanted_track, wanted=False).update(wanted=True)
        rows.filter(~has_a_wanted_track, wanted=True).update(wanted=False)
