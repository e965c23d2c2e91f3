"""Two rows that turn out to be one recording become one, where that loses nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.dispatch import Signal

from catalog.models import Alias, Entry, Track, TrackQuerySet


def twins_of(track: Track) -> TrackQuerySet:
    """Other rows that are the same recording by ISRC or identity, lengths within 3 seconds (both known)."""
    from catalog.recognise import SAME_LENGTH_MS

    if track.duration_ms is None:
        return Track.objects.none()
    near = Track.objects.exclude(pk=track.pk).filter(
        duration_ms__gte=track.duration_ms - SAME_LENGTH_MS, duration_ms__lte=track.duration_ms + SAME_LENGTH_MS
    )
    named = bool(track.title and track.artist_names)  # half an identity is shared by strangers
    same = near.filter(identity=track.identity) if named else Track.objects.none()
    if track.explicit is not None:
        same = same.exclude(explicit=not track.explicit)
    return same | near.filter(isrc=track.isrc).exclude(isrc="")


def merge_twins(tracks: Iterable[Track], now: datetime) -> dict[int, int]:
    """Merge each of these rows with its twins. Answers {id of a row that went: id of the row that stands for it}.

    Only rows of which at most one has a file or a claim are merged; others are left for the admin to list.
    """
    replaced: dict[int, int] = {}
    for track in tracks:
        if track.pk in replaced:
            continue
        for twin in twins_of(track).order_by("pk"):
            keep, drop = _keep_and_drop(track, twin)
            if merge(keep, drop):
                replaced[drop.pk] = keep.pk
                track = keep
    return replaced


def _keep_and_drop(first: Track, second: Track) -> tuple[Track, Track]:
    """The row that has a file or a claim stays; else the older one."""
    first_busy, second_busy = (row.status != Track.Status.MISSING or bool(row.local_path) for row in (first, second))
    if first_busy != second_busy:
        return (first, second) if first_busy else (second, first)
    return (first, second) if first.pk < second.pk else (second, first)


# Sent before ``drop`` goes, in the same transaction; ``keep`` and ``drop`` are row ids.
merging = Signal()


def merge(keep: Track, drop: Track) -> bool:
    """Move entries and names from ``drop`` to ``keep`` and delete ``drop``. False: it has a file, a claim or a place.

    The row is locked by the first UPDATE, whose WHERE says that it still has nothing to lose.
    """
    with transaction.atomic():
        empty = Track.objects.filter(pk=drop.pk, status=Track.Status.MISSING, local_path="")
        if not empty.update(title=F("title"), spotify_id=None):
            return False
        Entry.objects.filter(track=drop.pk).update(track=keep.pk)
        Alias.objects.filter(track=drop.pk).update(track=keep.pk)
        unnamed = Track.objects.filter(pk=keep.pk, spotify_id__isnull=True)
        if drop.spotify_id and unnamed.update(spotify_id=drop.spotify_id):
            keep.spotify_id = drop.spotify_id
        merging.send(Track, keep=keep.pk, drop=drop.pk)
        empty.delete()
    return True
