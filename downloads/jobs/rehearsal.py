"""What most processes do all the time, done a few times by the process that they are forked from."""

from __future__ import annotations

from contextlib import suppress

from django.core.management import ManagementUtility
from django.db import DatabaseError, connections, transaction

from catalog.db import database_clock
from catalog.models import Cluster, Track
from catalog.models.settings import value
from downloads.jobs.queue import MAIN, WakeUps, queue_key, request_reconcile

TIMES = 12  # CPython 3.11 rewrites a function's code from its eighth call on


def rehearse(*commands: str) -> None:
    """Read the words of ``commands`` and ask the database what clusters and the watcher ask it. Nothing stays changed.

    CPython writes into functions while they get warm, and Django into models. Done before a fork, that is shared: a
    fork that asks the database holds 6 MB instead of 10.
    """
    for name in commands:
        ManagementUtility().fetch_command(name).create_parser("manage.py", name)
    with suppress(DatabaseError), transaction.atomic():
        now = database_clock.now()
        for _ in range(TIMES):
            WakeUps(queue_key(MAIN)).queue_size()
            Track.objects.queue(now).exists()
            list(Cluster.objects.live(now).filter(queue=MAIN).order_by("host"))
            Cluster.objects.filter(pk=0).update(beat_at=now)
            value("WATCH")
            request_reconcile()
        transaction.set_rollback(True)
    connections.close_all()
