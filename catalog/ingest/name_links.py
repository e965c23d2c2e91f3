"""Entries that were kept as links become tracks: those that the catalog knows, or that Spotify says they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from catalog.db.batches import batched
from catalog.ingest.one_writer import one_writer
from catalog.ingest.resolve import resolve
from catalog.models import Alias, Entry
from catalog.music.records import LINK, EntryRecord, spotify_id_of
from catalog.tracks.wanted import set_wanted

BATCH = 500


def name_links(found: Mapping[str, EntryRecord], now: datetime) -> int:
    """``found`` is {label of a link: what it leads to}. How many entries are tracks now.

    Entries keep their digests: their file, imported again, says the same of them as before.
    """
    named = {label: entry.track for label, entry in found.items() if entry.track}
    with one_writer(), transaction.atomic():
        resolution = resolve(named.values(), now)
        targets = zip(resolution.track_ids, resolution.alias_ids, strict=True)
        rows = _lead(dict(zip(named, targets, strict=True)))
        for label, entry in found.items():
            if entry.track is None:
                known = entry.label or label
                Entry.objects.filter(reason=LINK, label=label).update(reason=entry.reason, label=known)
    return rows


def name_known_links() -> int:
    """Name the links whose ids the catalog knows already. How many entries are tracks now."""
    rows = 0
    labels = list(Entry.objects.filter(reason=LINK).order_by().values_list("label", flat=True).distinct())
    for batch in batched(labels, BATCH):
        keys = {f"spotify:{spotify_id_of(label)}": label for label in batch}
        with one_writer(), transaction.atomic():
            names = Alias.objects.filter(key__in=keys).values_list("key", "track_id", "pk")
            rows += _lead({keys[key]: (track_id, pk) for key, track_id, pk in names})
    return rows


def _lead(targets: Mapping[str, tuple[int, int]]) -> int:
    """Let the links of these labels lead to tracks, given as (track id, alias id)."""
    rows = 0
    for label, (track_id, alias_id) in targets.items():
        links = Entry.objects.filter(reason=LINK, label=label)
        rows += links.update(track=track_id, alias=alias_id, reason="", label="")
    set_wanted({track_id for track_id, _ in targets.values()})
    return rows
