"""Choosing what is kept: a collection is on or off. Off means that nothing is fetched on its account; files stay."""

from __future__ import annotations

from django.db import transaction

from catalog.lifecycle import set_wanted
from catalog.models import Collection, CollectionQuerySet, Entry


def switch(collections: CollectionQuerySet, on: bool) -> int:
    """Switch collections on or off, and bring what is wanted in line. How many have changed."""
    with transaction.atomic():
        changed = list(collections.exclude(enabled=on).order_by().values_list("pk", flat=True))
        Collection.objects.filter(pk__in=changed).update(enabled=on)
        theirs = Entry.objects.filter(collection__in=changed, track__isnull=False)
        set_wanted(theirs.order_by().values_list("track_id", flat=True).distinct())
    return len(changed)
