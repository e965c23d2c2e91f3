"""Be a cluster of django-q2: its one schedule, its main process, its stop."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_q import cluster as django_q_cluster
from django_q.brokers import Broker
from django_q.conf import Conf
from django_q.models import Schedule
from django_q.scheduler import scheduler

from catalog.db import database_clock
from catalog.models import Host
from catalog.models.settings import value
from catalog.storage import acting_host
from catalog.system import child_lifetime
from catalog.system.forked_call import CallFailed, call_in_fork
from downloads.jobs import cluster_state
from downloads.jobs.queue import DOWNLOADS, JOBS, MAIN, enqueue, forget_host, queue_key, request_tick

TICK = f"{JOBS}.tick"
KEEP_NO_RESULT = "{'q_options': {'save': False}}"  # a row each minute that nobody reads; failures are kept all the same
MAX_AHEAD = timedelta(minutes=2)  # of the next tick; more means that the clock was set back
CHECK_EVERY = acting_host.WATCH_EVERY  # seconds


class StoppableCluster(django_q_cluster.Cluster):
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
        first.kwargs = KEEP_NO_RESULT
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


def _schedule(broker: Broker) -> None:
    """django-q2's scheduler, which its sentinel calls each half minute."""

    def in_fork() -> str:
        scheduler(broker)
        return ""

    with suppress(CallFailed):  # django-q2 logs its errors itself
        call_in_fork(in_fork)


def _look_after_ticks() -> str:
    repair_schedule(timezone.now())
    if served_queue() == MAIN and acting_host.needs_tick(database_clock.now()):
        request_tick()
    elif served_queue() == DOWNLOADS and "jobs" not in settings.ROLES:
        enqueue("heartbeat", queue_key(DOWNLOADS))  # no tick of this host does
    return ""


def served_queue() -> str:
    """The queue that this process would serve, of this host's."""
    return str(Conf.CLUSTER_NAME).partition("@")[0]


def run_cluster(queue: str = "") -> bool:
    """Be the cluster of ``queue``, or of the one that the environment names, until it is stopped. False: it broke down.

    It registers before it forks, and requests the tick that reconciles: its workers claim nothing before that ended.
    What it asks the database is asked in forks: whatever this process touches, all of its cluster would hold once more.
    """
    if queue:
        Conf.CLUSTER_NAME = queue_key(queue)  # django-q2 read its name from the environment when it was imported
    child_lifetime.forks_die_with_their_parents()
    start = json.loads(call_in_fork(_register))
    Conf.WORKERS = start["workers"]
    Conf.SCHEDULER = served_queue() == MAIN  # the other cluster has no schedule of its own
    cluster_state.join(served_queue(), datetime.fromisoformat(start["at"]))
    django_q_cluster.scheduler = _schedule
    cluster = StoppableCluster()
    cluster.start()
    while cluster.sentinel.is_alive():
        cluster.sentinel.join(CHECK_EVERY)
        with suppress(CallFailed, DatabaseError):
            call_in_fork(_look_after_ticks)
    if served_queue() == MAIN:
        with suppress(DatabaseError):
            acting_host.release(database_clock.now())
    cluster_state.unregister()
    return bool(cluster.sentinel.exitcode == 0)


def _register() -> str:
    """Write the rows of the cluster that starts. When it started and how many workers it has, as JSON."""
    now = database_clock.now()
    if not acting_host.is_shared():  # one machine: a host of another name is this one before it was renamed
        for host in Host.objects.exclude(name=settings.HOST_NAME):
            forget_host(host.name)
    workers = value("DOWNLOAD_WORKERS") if served_queue() == DOWNLOADS else Conf.WORKERS
    cluster_state.register(served_queue(), now, workers=workers)
    if served_queue() == MAIN:
        install_schedules(timezone.now())  # the scheduler goes by the machine's clock
    request_tick()
    return json.dumps({"at": now.isoformat(), "workers": workers})
