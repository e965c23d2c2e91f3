"""Where tracks come from, and the place of each in there."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Count, Q

from catalog.models.accounts import Account
from catalog.models.tracks import Alias, Track
from catalog.music import records


class CollectionQuerySet(models.QuerySet["Collection"]):
    """English for sets of collections."""

    def enabled(self) -> Self:
        return self.filter(enabled=True)

    def without_source(self) -> Self:
        """Imported files, and what belongs to an account that is not connected any more: no sync forgets them."""
        return self.exclude(account__in=Account.objects.values("user_id"))

    def with_ledger(self) -> Self:
        """Annotated so that ``listed`` is the sum of all the others."""
        entries = Q(entries__isnull=False)
        reasons = {
            name: Count("entries", filter=Q(entries__reason=reason))
            for name, reason in [
                ("withdrawn", records.WITHDRAWN),
                ("episodes", records.EPISODE),
                ("local", records.LOCAL),
                ("unreadable", records.UNREADABLE),
                ("links", records.LINK),
            ]
        }
        return self.annotate(
            listed=Count("entries", filter=entries),
            distinct_tracks=Count("entries__track", distinct=True),
            duplicates=Count("entries__track") - Count("entries__track", distinct=True),
            **reasons,
        )


class Collection(models.Model):
    """Where tracks come from: liked songs, a playlist, a saved album, an imported file."""

    class Kind(models.TextChoices):
        LIKED = records.LIKED, "Liked songs"
        PLAYLIST = records.PLAYLIST, "Playlist"
        ALBUM = records.ALBUM, "Saved album"
        FILE = records.FILE, "Imported file"

    class Removal(models.TextChoices):
        KEEP = "keep", "Keep the file"
        BIN = "bin", "Move the file to a dated bin"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=200)
    account = models.CharField(max_length=100, blank=True, default="", help_text="The Spotify user it belongs to.")
    name = models.TextField()
    owner = models.TextField(blank=True, default="")
    enabled = models.BooleanField(default=True)
    removal = models.CharField(max_length=4, choices=Removal.choices, default=Removal.KEEP)
    snapshot = models.CharField(max_length=200, blank=True, default="", help_text="Spotify's name for this version.")
    total = models.PositiveIntegerField(null=True, blank=True, help_text="What the source says it holds.")
    closed = models.BooleanField(default=False, help_text="Listed by Spotify, but not opened to us.")
    problem = models.TextField(blank=True, default="", help_text="Why the last read was not complete.")
    synced_at = models.DateTimeField(null=True, blank=True, help_text="Last complete read.")
    whole_read_at = models.DateTimeField(null=True, blank=True, help_text="Last read though it looked unchanged.")

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["account", "kind", "key"], name="collection_once")]

    def __str__(self) -> str:
        return self.name


class Entry(models.Model):
    """A track's place in a collection, or the reason why there is no track.

    ``position`` orders a collection; it has gaps, so that an insertion writes one row. ``digest`` is of the record as
    read: an entry whose digest stands needs no other look.
    """

    class Reason(models.TextChoices):
        EPISODE = records.EPISODE, "podcast episode"
        LOCAL = records.LOCAL, "local file"
        WITHDRAWN = records.WITHDRAWN, "withdrawn by Spotify"
        UNREADABLE = records.UNREADABLE, "not readable"
        LINK = records.LINK, "a link, named once Spotify is connected"

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="entries")
    position = models.BigIntegerField()
    track = models.ForeignKey(Track, null=True, blank=True, on_delete=models.CASCADE, related_name="entries")
    reason = models.CharField(max_length=10, choices=Reason.choices, blank=True, default="")
    label = models.TextField(blank=True, default="")
    added_at = models.DateTimeField(null=True, blank=True)
    digest = models.BigIntegerField()
    # The name under which the source lists the track: an entry goes with it where a track parts into two.
    # Not enforced: without an index on this column each deletion of an alias would read the whole table.
    alias = models.ForeignKey(
        Alias, null=True, blank=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["collection", "position"], name="entry_order"),
            models.Index(fields=["id"], name="entry_links", condition=Q(reason=records.LINK)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(track__isnull=False, reason="") | (Q(track__isnull=True) & ~Q(reason="")),
                name="entry_track_or_reason",
            )
        ]

    def __str__(self) -> str:
        return self.label or str(self.track_id)
