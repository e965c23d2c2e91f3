"""Be a cluster of django-q2: its one schedule, its main process, its stop."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_q.cluster import Cluster as DjangoQCluster
from django_q.conf import Conf
from django_q.models import Schedule

from catalog.db import database_clock
from catalog.models import Host
from catalog.models.settings import value
from catalog.storage import acting_host
from catalog.system import child_lifetime
from downloads.jobs import cluster_state
from downloads.jobs.queue import DOWNLOADS, JOBS, MAIN, enqueue, forget_host, queue_key, request_tick

TICK = f"{JOBS}.tick"
MAX_AHEAD = timedelta(minutes=2)  # of the next tick; more means that the clock was set back
CHECK_EVERY = acting_host.WATCH_EVERY  # seconds


class StoppableCluster(DjangoQCluster):
    """A cluster whose busy workers learn of a stop at once, whether Ctrl-C, SIGTERM or the manager asked for it."""

    def stop(self) -> bool:
        cluster_state.request_stop()
        return bool(super().stop())


def _own_schedules() -> QuerySet[Schedule]:
    """Those of this host, and what versions left that knew of no hosts."""
    return Schedule.objects.filter(Q(cluster=queue_key(MAIN)) | Q(cluster=None), func__startswith=f"{JOBS}.")


def install_schedules(now: datetime) -> None:
    """Leave one schedule of ours, the tick, due ``now``: `Schedule.name` is not unique, and clocks get set back."""
    ours = _own_schedules()
    with transaction.atomic():
        first = ours.filter(func=TICK).order_by("pk").first() or Schedule(func=TICK)
        first.name, first.schedule_type, first.minutes, first.repeats = "tick", Schedule.MINUTES, 1, -1
        first.next_run, first.cluster = now, queue_key(MAIN)
        first.save()
        ours.exclude(pk=first.pk).delete()


def repair_schedule(now: datetime) -> bool:
    """Bring the tick back where its next time lies too far ahead: a clock that is set back would silence it until then.

    Called by the cluster's main process: without ticks no worker could. True: it was so.
    """
    late = _own_schedules().filter(func=TICK, next_run__gt=now + MAX_AHEAD)
    if not late.exists():
        return False
    install_schedules(now)
    return True


def _look_after_ticks() -> None:
    repair_schedule(timezone.now())
    if served_queue() == MAIN and acting_host.needs_tick(database_clock.now()):
        request_tick()
    elif served_queue() == DOWNLOADS and "jobs" not in settings.ROLES:
        enqueue("heartbeat", queue_key(DOWNLOADS))  # no tick of this host does


def served_queue() -> str:
    """The queue that this process would serve, of this host's."""
    return str(Conf.CLUSTER_NAME).partition("@")[0]


def run_cluster() -> bool:
    """Be the cluster that this process was started as, until it is stopped. False: it broke down.

    It registers before it forks, and requests the tick that reconciles: its workers claim nothing before that ended.
    """
    now = database_clock.now()
    if not acting_host.is_shared():  # one machine: a host of another name is this one before it was renamed
        for host in Host.objects.exclude(name=settings.HOST_NAME):
            forget_host(host.name)
    if served_queue() == DOWNLOADS:
        Conf.WORKERS = value("DOWNLOAD_WORKERS")
    cluster_state.register(served_queue(), now, workers=Conf.WORKERS)
    if served_queue() == MAIN:
        install_schedules(timezone.now())  # the scheduler goes by the machine's clock
    request_tick()
    connections.close_all()  # a parent and its forks on one connection corrupt each other
    child_lifetime.forks_die_with_their_parents()
    cluster = StoppableCluster()
    cluster.start()
    while cluster.sentinel.is_alive():
        cluster.sentinel.join(CHECK_EVERY)
        with suppress(DatabaseError):
            _look_after_ticks()
        connections.close_all()
    if served_queue() == MAIN:
        with suppress(DatabaseError):
            acting_host.release(database_clock.now())
    cluster_state.unregister()
    return bool(cluster.sentinel.exitcode == 0)
