"""What was written into the tags of each track's file (`downloads.models.WrittenTags`): noted when it is, else learned.

Of a file that was fetched before this was noted, or that came back from the bin, the tags tell that it was fetched here
(TONEKEEP_ID), but not what was written. What it says as the catalog does is taken for written; what it does not say at
all was not written; all else may be a person's words and is kept as such.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from functools import lru_cache

from django.db.models import QuerySet

from catalog.models import Library, Track
from catalog.tags import tag_process
from catalog.tags.tag_fields import Fields, fields_of
from downloads.models import WrittenTags
from downloads.publishing import tagging

BATCH = 500  # files that one job reads: others come between
CHUNK = 100  # tracks read together

Desired = Callable[[Track], Fields]


def remember(track: Track, fields: Fields) -> None:
    """Write down what the tags of a track's new file say."""
    WrittenTags.objects.update_or_create(
        track=track,
        defaults={"fields": fields, "digest": digest(fields), "kept": [], "before": {}, "foreign": False},
    )


def digest(fields: Fields) -> str:
    """A short text that differs where the fields do."""
    text = json.dumps(fields, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def desired_fields() -> Desired:
    """A function that says what the fields of a track's file are to say; it remembers albums, by which tracks come."""
    joined = Library.load().artist_tag == Library.ArtistTag.JOINED
    size_of = lru_cache(maxsize=10_000)(tagging.size_of)
    return lambda track: fields_of(tagging.tags_of(track, size_of, joined))


def unknown() -> QuerySet[Track]:
    """Tracks of which nobody knows what was written into their file."""
    return Track.objects.filter(status=Track.Status.DOWNLOADED, written_tags=None)


def learn(should_stop: Callable[[], bool], most: int) -> int:
    """Find out about up to ``most`` such files. How many are known now; a disk that refuses leaves its file unknown."""
    rows: list[WrittenTags] = []
    desired = desired_fields()
    for track in unknown().select_related("album").prefetch_related("credits__artist").order_by("pk").iterator(CHUNK):
        if should_stop() or len(rows) == most:
            break
        try:
            rows.append(_learned(track, desired))
        except OSError:
            continue
    WrittenTags.objects.bulk_create(rows, ignore_conflicts=True)  # one that was fetched meanwhile is known better
    return len(rows)


def _learned(track: Track, desired: Desired) -> WrittenTags:
    """No digest: the next run looks at it, and writes what the file does not say at all."""
    fields = _own_fields(track)
    if fields is None:
        return WrittenTags(track=track, foreign=True)
    wanted = desired(track)
    written = {name: values for name, values in wanted.items() if fields.get(name) == values}
    if fields.get("artist") == wanted.get("artists"):  # as it was written until ARTIST became one text
        written["artist"] = fields["artist"]
    return WrittenTags(track=track, fields=written)


def _own_fields(track: Track) -> Fields | None:
    """What the file says, where it was fetched for this track; else None. Raises OSError."""
    os.stat(track.local_path)
    tags = tag_process.read_tags(track.local_path)
    if tags is None or not tags.track_key:
        return None
    ours = tags.track_key.startswith(f"{track.pk}:") or (track.spotify_id or "-") in tags.spotify_ids
    return tag_process.read_fields(track.local_path) if ours else None
