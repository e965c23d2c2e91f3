"""What happened to tracks. Only ever added to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.db import models

from catalog.models.hosts import own_name
from catalog.models.tracks import Track

KEPT = timedelta(days=90)
WEEK = timedelta(days=7)
WEEKS_KEPT = 15  # 13 make 90 days; two more for the days that a clock was ahead


class EventQuerySet(models.QuerySet["Event"]):
    def record(
        self, track_ids: Iterable[int], kind: str, reason: str, now: datetime, by: str = "", error_kind: str = ""
    ) -> None:
        """Append one event per track; ``by`` names the person whose doing it is, ``error_kind`` what went wrong."""
        rows = [Event(track_id=pk, kind=kind, reason=reason, by=by, error_kind=error_kind, at=now) for pk in track_ids]
        Event.objects.bulk_create(rows, batch_size=1000)

    def forgettable(self, now: datetime) -> Self:
        """Events older than 90 days, as far as 15 weeks in which anything happened have followed them.

        A clock that is a year ahead makes all of them old within a minute. But it brings no weeks with it, and once it
        is put right nothing has been lost that would not have been in some days.
        """
        newest = Event.objects.order_by("-at").values_list("at", flat=True)
        if not self.filter(at__lt=now - KEPT).exists():
            return self.none()
        moment = newest.first()
        for _ in range(WEEKS_KEPT):
            moment = newest.filter(at__lt=moment - WEEK).first() if moment else None
        return self.filter(at__lt=min(moment, now - KEPT)) if moment else self.none()


class Event(models.Model):
    """What happened to a track's state, when and why. Append-only; kept 90 days at least."""

    class Kind(models.TextChoices):
        FINISH = "finish", "downloaded"
        FAIL = "fail", "failed"
        VANISH = "vanish", "file gone"
        RESTORE = "restore", "file is back"
        ADOPT = "adopt", "file recognised"
        RECOVER = "recover", "recovered after a crash"
        RETRY = "retry", "asked to try again"
        IGNORE = "ignore", "not tried any more"
        WANT = "want", "wanted again"
        DECIDE = "decide", "decided by a person"
        MOVE = "move", "file moved"
        CHANGE = "change", "file changed"

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="events", db_index=False)  # event_track
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.TextField(blank=True, default="")
    by = models.CharField(max_length=150, blank=True, default="", db_default="")  # an account; strangers see it nowhere
    error_kind = models.CharField(max_length=20, blank=True, default="", db_default="")  # of a failure
    host = models.CharField(max_length=20, blank=True, default=own_name, db_default="")  # where it was done

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["track", "-at"], name="event_track"),
            models.Index(fields=["at"], name="event_age"),
            # The pages ask for the latest of a kind, and count them by week: a million vanished files must not stand
            # in between, and no row is looked at.
            models.Index(fields=["kind", "at", "id", "error_kind"], name="event_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reason}".strip()
