"""Which artists and albums a wanted track has: a mark on their rows, so that a million tracks need not be asked.

`catalog.models.TrackManager.counts` counts the marks, the pages list by them. Whoever changes which tracks are
wanted, or which artists and album a track has, calls `mark_wanted` in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from catalog.models import Album, Artist, Credit, Track


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
