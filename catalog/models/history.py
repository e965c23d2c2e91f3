"""What happened to tracks. Only ever added to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from catalog.models.tracks import Track


class EventQuerySet(models.QuerySet["Event"]):
    def record(self, track_ids: Iterable[int], kind: str, reason: str, now: datetime) -> None:
        """Append one event per track."""
        Event.objects.bulk_create(
            [Event(track_id=pk, kind=kind, reason=reason, at=now) for pk in track_ids], batch_size=1000
        )

    def older_than(self, moment: datetime) -> Self:
        return self.filter(at__lt=moment)


class Event(models.Model):
    """What happened to a track's state, when and why. Append-only; kept 90 days."""

    class Kind(models.TextChoices):
        FINISH = "finish", "downloaded"
        FAIL = "fail", "failed"
        VANISH = "vanish", "file gone"
        RESTORE = "restore", "file is back"
        ADOPT = "adopt", "file adopted"
        RECOVER = "recover", "recovered after a crash"
        RETRY = "retry", "asked to try again"
        IGNORE = "ignore", "ignored"
        WANT = "want", "wanted again"
        DECIDE = "decide", "decided by a person"
        MOVE = "move", "file moved"

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="events", db_index=False)  # event_track
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.TextField(blank=True, default="")

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["track", "-at"], name="event_track"),
            models.Index(fields=["at"], name="event_age"),
            # The pages ask for the latest of these; a million vanished files must not stand in between.
            models.Index(fields=["at"], name="event_failed", condition=Q(kind="fail")),
            models.Index(fields=["at"], name="event_finished", condition=Q(kind="finish")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reason}".strip()
