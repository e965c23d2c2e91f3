"""The passes that were run."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q


class RunQuerySet(models.QuerySet["Run"]):
    """English for sets of runs."""

    def waiting_imports(self, host: str) -> Self:
        """Imports to be done, the oldest first, of uploads that lie with ``host``; "" where there is but one host."""
        mine = Q(report__host=host) | Q(report__host__isnull=True) if host else Q()
        return self.filter(mine, kind=Run.Kind.IMPORT, ended_at=None).order_by("started_at")

    def waiting(self, *kinds: str) -> Self:
        """Those that were asked for on a page and have not ended, the oldest first."""
        return self.filter(kind__in=kinds, ended_at=None).order_by("started_at", "pk")

    def forget_all_but(self, kept: int, now: datetime) -> None:
        """Delete all of these but the latest ``kept``.

        What a fast clock wrote lies ahead and is not counted: beside enough of those today's runs would be old ones.
        """
        past = self.filter(started_at__lte=now).order_by("-started_at")
        for moment in list(past.values_list("started_at", flat=True)[kept : kept + 1]):
            past.filter(started_at__lte=moment).delete()


class Run(models.Model):
    """A sync, reconcile or other long pass that was run: when, how it ended, and its report."""

    class Kind(models.TextChoices):
        SYNC = "sync"
        RECONCILE = "reconcile"
        ADOPT = "adopt"
        IMPORT = "import"
        CHECK = "check"
        BACKUP = "backup"
        FOLDER = "folder"
        DATABASE = "database"

    # Asked for on a page, or by the tick once a day, and done by a job.
    MAINTENANCE = (Kind.CHECK, Kind.BACKUP, Kind.FOLDER, Kind.DATABASE)

    kind = models.CharField(max_length=10, choices=Kind.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ok = models.BooleanField(null=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True, default="")
    report = models.JSONField(default=dict)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["kind", "-started_at"], name="run_latest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M}"
