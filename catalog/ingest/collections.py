"""Choosing what is kept: a collection is on or off, its songs' files stay or go to the bin, and some can be removed.

Off means that nothing is fetched on its account. Rows only: what a file has to do follows with the next reconcile.
"""

from __future__ import annotations

from django.db import transaction

from catalog.ingest import removal_policy
from catalog.ingest.replace import forget
from catalog.models import Collection, CollectionQuerySet, Entry
from catalog.tracks.wanted import set_wanted

KEEP, BIN = Collection.Removal.KEEP, Collection.Removal.BIN


def switch(collections: CollectionQuerySet, on: bool) -> int:
    """Switch collections on or off, and bring what is wanted in line. How many have changed."""
    with transaction.atomic():
        changed = list(collections.exclude(enabled=on).order_by().values_list("pk", flat=True))
        Collection.objects.filter(pk__in=changed).update(enabled=on)
        theirs = Entry.objects.filter(collection__in=changed, track__isnull=False)
        set_wanted(theirs.order_by().values_list("track_id", flat=True).distinct())
    return len(changed)


def set_removal(collections: CollectionQuerySet, policy: Collection.Removal) -> int:
    """Say what becomes of the file of a song that leaves these collections last. How many have changed."""
    with transaction.atomic():
        changed = list(collections.exclude(removal=policy).order_by().values_list("pk", flat=True))
        Collection.objects.filter(pk__in=changed).update(removal=policy)
        if policy == KEEP:
            removal_policy.may_stay(changed)
    return len(changed)


def remove(collections: CollectionQuerySet) -> int:
    """Remove what no sync would bring back. Songs that stand nowhere else are no longer wanted. How many are gone."""
    return forget(list(collections.without_source()))
