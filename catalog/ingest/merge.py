"""Two rows that turn out to be one recording become one, where that loses nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.dispatch import Signal

from catalog.models import Alias, Credit, Entry, Track
from catalog.music.identity import same_length
from catalog.tracks.wanted import mark_wanted


def merge_duplicates(tracks: Iterable[Track], now: datetime) -> dict[int, int]:
    """Merge each of these rows with its twins. Answers {id of a row that went: id of the row that stands for it}.

    Only rows of which at most one has a file or a claim are merged; others are left for the admin to list.
    """
    rows = list(tracks)
    alike = _alike(rows)
    replaced: dict[int, int] = {}
    for track in rows:
        for twin in alike:
            if track.pk in replaced or twin.pk in replaced or not are_duplicates(track, twin):
                continue
            keep, drop = _keep_and_drop(track, twin)
            if merge(keep, drop):
                replaced[drop.pk] = keep.pk
                track = keep
    return replaced


def _alike(rows: list[Track]) -> list[Track]:
    """All rows that share identity or ISRC with one of these and are not the only one that does."""
    found = {row.pk: row for row in Track.objects.filter(identity__in={row.identity for row in rows})}
    found |= {row.pk: row for row in Track.objects.with_isrc({row.isrc for row in rows})}
    own = {row.pk for row in rows}
    shared = Counter(key for row in found.values() for key in {row.identity, row.isrc} - {""})
    return [
        row
        for pk, row in sorted(found.items())
        if pk not in own or shared[row.identity] > 1 or (row.isrc and shared[row.isrc] > 1)
    ]


def are_duplicates(first: Track, second: Track) -> bool:
    """The same recording by ISRC or identity, lengths within 3 seconds, both known; two different rows."""
    if first.pk == second.pk or first.duration_ms is None or second.duration_ms is None:
        return False
    if not same_length(first.duration_ms, second.duration_ms):
        return False
    if first.isrc and first.isrc == second.isrc:
        return True
    one_is_clean = None not in (first.explicit, second.explicit) and first.explicit != second.explicit
    # Half an identity is shared by strangers.
    return first.identity == second.identity and not one_is_clean and bool(first.title and first.artist_names)


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
        artists = list(Credit.objects.filter(track=drop.pk).values_list("artist", flat=True))
        empty.delete()
        mark_wanted([drop.album_id] if drop.album_id else [], artists)
    return True
