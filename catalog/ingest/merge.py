"""Two rows that turn out to be one recording become one, where that loses nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.dispatch import Signal

from catalog.ingest.songs import UNKNOWN, Song, facts_of, songs_of
from catalog.models import Alias, Credit, Entry, Track
from catalog.music.same_recording import may_be_joined
from catalog.tracks.wanted import mark_wanted, set_wanted


def merge_duplicates(tracks: Iterable[Track], now: datetime) -> dict[int, int]:
    """Merge each of these rows with its twins. Answers {id of a row that went: id of the row that stands for it}.

    Only rows of which at most one has a file or a claim are merged; others are left for the admin to list.
    """
    rows = list(tracks)
    alike = _alike(rows)
    songs = songs_of([*rows, *alike])
    replaced: dict[int, int] = {}
    for row in rows:
        for twin in alike:
            if row.pk in replaced or twin.pk in replaced or not are_duplicates(songs[row.pk], songs[twin.pk]):
                continue
            keep, drop = keep_and_drop(row, twin)
            if merge(keep, drop):
                replaced[drop.pk] = keep.pk
                songs[keep.pk].names += songs[drop.pk].names
                row = keep
    return replaced


def _alike(rows: list[Track]) -> list[Track]:
    """All rows that share identity or ISRC with one of these and are not the only one that does."""
    tracks = Track.objects.select_related("album")
    sharing = {row.pk: row for row in tracks.filter(identity__in={row.identity for row in rows})}
    sharing |= {row.pk: row for row in tracks.with_isrc({row.isrc for row in rows})}
    own = {row.pk for row in rows}
    shared = Counter(key for row in sharing.values() for key in {row.identity, row.isrc} - {""})
    return [
        row
        for pk, row in sorted(sharing.items())
        if pk not in own or shared[row.identity] > 1 or (row.isrc and shared[row.isrc] > 1)
    ]


def are_duplicates(first: Song, second: Song) -> bool:
    """Two rows of one recording: evidence for it, and nothing against it, between any of their names.

    By ISRC, or by equal names; half an identity is shared by strangers.
    """
    one, other = first.row, second.row
    if one.pk == other.pk:
        return False
    named = one.identity == other.identity and bool(one.title and one.artist_names)
    if not named and not (one.isrc and one.isrc == other.isrc):
        return False
    return may_be_joined(first.descriptions(), second.descriptions())


def keep_and_drop(first: Track, second: Track) -> tuple[Track, Track]:
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
        if drop.spotify_id and unnamed.update(spotify_id=drop.spotify_id, title=drop.title, **_known_facts(drop)):
            keep.spotify_id = drop.spotify_id
        merging.send(Track, keep=keep.pk, drop=drop.pk)
        artists = list(Credit.objects.filter(track=drop.pk).values_list("artist", flat=True))
        empty.delete()
        set_wanted([keep.pk])  # the entries that came may be the only ones that ask for it
        mark_wanted([drop.album_id] if drop.album_id else [], artists)
    return True


def _known_facts(row: Track) -> dict[str, Any]:
    """What a row with an id knows: it describes the recording better than one without."""
    return {name: value for name, value in facts_of(row).items() if value not in UNKNOWN}
