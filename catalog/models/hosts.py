"""What the hosts of an installation share: their clusters, and what is requested of whichever host acts on it."""

from __future__ import annotations

from django.db import models

from catalog.db import database_clock


class JobRequestQuerySet(models.QuerySet["JobRequest"]):
    """What waits. A row and not a file: the host that serves the page need not be the one that does the work."""

    def ask(self, kind: str) -> None:
        """Request ``kind`` once, however often it is asked for."""
        self.bulk_create([JobRequest(kind=kind)], ignore_conflicts=True)

    def is_waiting(self, kind: str) -> bool:
        """Whether ``kind`` was requested and no job has taken it up yet."""
        return self.filter(kind=kind).exists()

    def take_up(self, kind: str) -> bool:
        """Remove the request before its work begins: one that comes meanwhile stands for the next. True: it stood."""
        return bool(self.filter(kind=kind).delete()[0])


class JobRequest(models.Model):
    """A person or a page requested "sync", "reconcile", "accept_root" or "look", and it waits for a job."""

    kind = models.CharField(max_length=20, primary_key=True)
    requested_at = models.DateTimeField(default=database_clock.now)

    objects = JobRequestQuerySet.as_manager()

    def __str__(self) -> str:
        return self.kind


class Cluster(models.Model):
    """A running cluster: when it started, its last heartbeat through a worker, whether a reconcile ended since."""

    name = models.CharField(max_length=40, primary_key=True)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(null=True, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
