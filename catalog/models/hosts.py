"""What the hosts of an installation share: their clusters, and what is requested of whichever host acts on it."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import connection, models
from django.db.models.functions import Coalesce

from catalog.db import database_clock
from catalog.system.heartbeat import SILENT_AFTER

MAIN_QUEUE = "tonekeep"  # of the clusters that run jobs; whoever serves it may act for the library


def is_shared() -> bool:
    """Whether other hosts can use this database."""
    return bool(connection.vendor != "sqlite")


def own_name() -> str:
    """This host's name where others may be beside it, else ""."""
    return str(settings.HOST_NAME) if is_shared() else ""


class JobRequestQuerySet(models.QuerySet["JobRequest"]):
    """What waits. A row and not a file: the host that serves the page need not be the one that does the work."""

    def ask(self, kind: str) -> None:
        """Request ``kind`` once, however often it is asked for."""
        JobRequest.objects.bulk_create([JobRequest(kind=kind)], ignore_conflicts=True)

    def is_waiting(self, kind: str) -> bool:
        """Whether ``kind`` was requested and no job has taken it up yet."""
        return self.filter(kind=kind).exists()

    def take_up(self, kind: str) -> bool:
        """Remove the request before its work begins: one that comes meanwhile stands for the next. True: it stood."""
        return bool(self.filter(kind=kind).delete()[0])


class JobRequest(models.Model):
    """A person, a page or a job requested "sync", "reconcile", "accept_root", "look" or that tags be written, and it
    waits for a job."""

    kind = models.CharField(max_length=20, primary_key=True)
    requested_at = models.DateTimeField(default=database_clock.now)

    objects = JobRequestQuerySet.as_manager()

    def __str__(self) -> str:
        return self.kind


class LeaseQuerySet(models.QuerySet["Lease"]):
    """Who acts. Each change is one conditional UPDATE: of two hosts that try at once only one changes the row."""

    def take(self, name: str, host: str, now: datetime, until: datetime) -> str:
        """Hold the lease ``name`` for ``host``, or join what it holds already. Its token; "" where another has it.

        A new token with each change of hands: who was cut off and comes back sees that it is no longer the holder.
        """
        token = secrets.token_hex(8)
        first = Lease(name=name, host=host, token=token, expires_at=until)
        Lease.objects.bulk_create([first], ignore_conflicts=True)
        self.filter(name=name, expires_at__lte=now).exclude(host=host).update(host=host, token=token, expires_at=until)
        row = self.get(name=name)
        return row.token if row.host == host and self.renew(name, row.token, until) else ""

    def renew(self, name: str, token: str, until: datetime) -> bool:
        """Hold on until ``until``. False: another host has taken over."""
        return bool(self.filter(name=name, token=token).update(expires_at=until))

    def release(self, name: str, host: str, now: datetime) -> None:
        """Let another host take over at once. The token stays: who of this host goes on may, until somebody does."""
        self.filter(name=name, host=host).update(expires_at=now)


class Lease(models.Model):
    """Which host acts for the whole library ("library"), and until when, by the database's clock."""

    name = models.CharField(max_length=20, primary_key=True)
    host = models.CharField(max_length=20)
    token = models.CharField(max_length=16)
    expires_at = models.DateTimeField()

    objects = LeaseQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name}: {self.host}"


class Host(models.Model):
    """A machine that works on this library. ``drained``: a person said that it fetches nothing new.

    ``storage`` is the state of the music folder as this host sees it, "" before its first look (and on SQLite, where
    `catalog.models.Service` says it); ``publish_method`` and ``lacks`` are what its mount of the folder can do.
    """

    name = models.CharField(max_length=20, primary_key=True)
    drained = models.BooleanField(default=False)
    machine = models.CharField(max_length=64, blank=True, default="", help_text="Which machine has this name.")
    storage = models.CharField(max_length=10, blank=True, default="")
    storage_reason = models.TextField(blank=True, default="")
    checked_at = models.DateTimeField(null=True, blank=True)
    publish_method = models.CharField(max_length=12, blank=True, default="")
    lacks = models.JSONField(default=list, blank=True, help_text="What its mount of the folder was found to lack.")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def own(cls) -> Host:
        """The row of this host, made where it is not there yet."""
        return cls.objects.get_or_create(name=settings.HOST_NAME)[0]


class ClusterQuerySet(models.QuerySet["Cluster"]):
    """Clusters of all hosts."""

    def live(self, now: datetime) -> Self:
        """Those that started, or gave a heartbeat, within the last 3 minutes.

        A heartbeat that lies ahead is no better than an old one: the clock was set back, and nothing was heard since.
        """
        heard = Coalesce("beat_at", "started_at")
        return self.alias(heard=heard).filter(heard__gte=now - SILENT_AFTER, heard__lte=now + SILENT_AFTER)


class Cluster(models.Model):
    """A running cluster: when it started, its last heartbeat through a worker, whether a reconcile ended since."""

    host = models.CharField(max_length=20)
    queue = models.CharField(max_length=40)
    workers = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(null=True, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True)

    objects = ClusterQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "queue"], name="cluster_of_a_host")]

    def __str__(self) -> str:
        return f"{self.host}: {self.queue}"
