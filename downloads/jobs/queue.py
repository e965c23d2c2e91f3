"""Put wake-ups into django-q2's queues, and what every job is wrapped in. Jobs are named, not imported.

The broker carries wake-ups without payload, never work lists: a lost, doubled or late one changes nothing, since every
job asks the catalog what there is to do.

    queue "tonekeep"     tick, sync, reconcile (and one download at a time, where nobody serves the other queue)
    queue "downloads"    DOWNLOAD_WORKERS workers that fetch

Each host has a queue of either name (`queue_key`). What is to be done for the whole library goes to the host that acts.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule
from django_q.tasks import async_task

from catalog.db import database_clock
from catalog.models import Cluster, Host, JobRequest
from catalog.models.hosts import MAIN_QUEUE
from catalog.storage import acting_host

JOBS = "downloads.jobs"  # the package that answers the names in django-q2's rows
QUEUES = MAIN, DOWNLOADS = MAIN_QUEUE, "downloads"
RETAGS = ("retag_files", "undo_retag")  # jobs, and the requests for them
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)  # before every clock
NEXT_DUE = "SELECT id, payload, lock FROM django_q_ormq WHERE key = %s AND lock < %s LIMIT 1"
LOCK = "UPDATE django_q_ormq SET lock = %s WHERE id = %s AND lock = %s RETURNING id"
DELETE = "DELETE FROM django_q_ormq WHERE id = %s RETURNING id"
SCAN_LIMIT = 50  # waiting wake-ups read to see whether one more is needed

FAILURES_KEPT = timedelta(days=30)  # django-q2 keeps failed tasks for ever
FAILURES_KEPT_ALWAYS = 100  # the last ones, however old

logger = logging.getLogger(__name__)
Job = Callable[[], str]


def job(body: Job) -> Job:
    """Decorator of what django-q2 may call. An error becomes a log line and a short result without the error's text."""

    @functools.wraps(body)
    def run() -> str:
        try:
            return body()
        except Exception as error:
            logger.exception("The job %s ended in an error", body.__name__)
            return f"error: {type(error).__name__}"

    return run


def wake() -> None:
    """Let every download worker look whether something is due. Adds nothing where enough wake-ups wait already."""
    clusters = list(Cluster.objects.live(database_clock.now()).filter(queue=DOWNLOADS))
    for cluster in clusters:
        enqueue("download", queue_key(DOWNLOADS, cluster.host), cluster.workers)
    if not clusters:
        enqueue("download")


def request_sync() -> None:
    """Sync, then reconcile, then wake, by the next free worker."""
    _request("sync")


def request_reconcile() -> None:
    """Reconcile, then wake, by the next free worker."""
    _request("reconcile")


def request_accept_root() -> None:
    """Accept the folder that is at MUSIC_DIR now as the library, by the next free worker."""
    _request("accept_root")


def request_look() -> None:
    """Look through the music folder for songs that are here already, by the next free worker."""
    _request("look")


def request_move() -> None:
    """Run the move that a person requested (`downloads.file_moves.rename_plan`)."""
    enqueue("move_files")


def request_retag(undo: bool = False) -> None:
    """Let tags in files follow the catalog, or write back the last run's (`downloads.publishing.retag`).

    It waits for a pass under way; of the two, what was asked for last is done.
    """
    kind, other = reversed(RETAGS) if undo else RETAGS
    JobRequest.objects.take_up(other)
    JobRequest.objects.ask(kind)
    enqueue(kind)


def request_waiting_retag() -> None:
    """Let the next free worker try again what `request_retag` was asked for."""
    for kind in RETAGS:
        if JobRequest.objects.is_waiting(kind):
            enqueue(kind)


def request_search() -> None:
    """Run the searches that persons typed (`downloads.search.manual_search`)."""
    enqueue("answer_searches")


def request_listen() -> None:
    """Measure the files that nobody has listened to yet (`downloads.audio.unheard`)."""
    enqueue("listen_to_files")


def request_import() -> None:
    """Import the uploads that wait on this host (`downloads.jobs.uploads`)."""
    enqueue("import_uploads", queue_key(MAIN))


def request_maintenance() -> None:
    """Do what was asked for on the pages Maintenance and Music folder (`downloads.jobs.maintenance`)."""
    enqueue("maintain")


def request_backlog() -> None:
    """Run the sync or reconcile that is due (`downloads.jobs.backlog`)."""
    enqueue("handle_backlog")


def request_messages() -> None:
    """Send the messages that are due (`downloads.notify.deliver`)."""
    enqueue("send_messages")


def request_players(at: datetime | None = None) -> None:
    """Tell the players what is new (`downloads.players.tell`), not before ``at``."""
    enqueue("tell_players", at=at)


def request_covers() -> None:
    """Look for covers of albums (`downloads.publishing.album_covers`)."""
    enqueue("find_covers")


def request_tick() -> None:
    """Run the tick now instead of within a minute: this host's, or where it has none that of the host that acts."""
    enqueue("tick", queue_key(MAIN) if "jobs" in settings.ROLES else "")


def _request(kind: str) -> None:
    """The row outlives a wake-up that meets a pass under way, which may have begun before this request."""
    JobRequest.objects.ask(kind)
    request_backlog()


def queue_key(queue: str, host: str = "") -> str:
    """The name by which the broker knows the queue of a host, this one where none is given."""
    return f"{queue}@{host or settings.HOST_NAME}"


def _acting_key() -> str:
    """The main queue of the host that acts for the library, or will: one that runs jobs."""
    now = database_clock.now()
    runs = Cluster.objects.live(now).filter(queue=MAIN).order_by("host").values_list("host", flat=True)
    hosts = [acting_host.holder(now), settings.HOST_NAME, *runs]
    return queue_key(MAIN, next((host for host in hosts if host in runs), ""))


class WakeUps(ORM):
    """django-q2's queue in the database. A wake-up is due at once, by whichever host's clock it is asked for."""

    due = ALWAYS

    def dequeue(self) -> list[tuple[int, str]] | None:
        """The next wake-up, locked as django-q2 does it: [(id, payload)]; None, after a rest, where none is due."""
        due = self._ask(NEXT_DUE, self.list_key, self._stored(timezone.now()))
        if not due:
            time.sleep(Conf.POLL)
            return None
        pk, payload, lock = due[0]
        mine = self._ask(LOCK, self._stored(self.timeout(None)), pk, lock)
        return [(pk, payload)] if mine else []

    def delete(self, task_id: int) -> None:
        self._ask(DELETE, task_id)

    def _ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Plain SQL: what is asked twice a second by each cluster need not build a query set each time."""
        database = self.get_connection().db
        with connections[database].cursor() as cursor:
            cursor.execute(statement, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _stored(self, moment: datetime) -> Any:
        return connections[self.get_connection().db].ops.adapt_datetimefield_value(moment)

    def enqueue(self, task: str) -> int:
        package = self.get_connection().create(key=self.list_key, payload=task, lock=self.due)
        return int(package.pk)


def enqueue(name: str, key: str = "", workers: int = 1, at: datetime | None = None) -> None:
    """Put wake-ups for the job ``name`` into the queue ``key`` until ``workers`` of them wait there, not before ``at``.

    "" is the main queue of the host that acts for the library.
    """
    function, queue = f"{JOBS}.{name}", key or _acting_key()
    now = timezone.now()
    rows = OrmQ.objects.filter(key=queue, lock__lte=max(at or now, now))[:SCAN_LIMIT]
    waiting = sum(row.task.get("func") == function for row in rows)
    broker = WakeUps(queue)
    broker.due = at or ALWAYS
    for _ in range(workers - waiting):
        async_task(function, cluster=queue, save=False, broker=broker)


def forget_host(name: str) -> None:
    """Remove what is left of a host that is gone. One that starts again is as new."""
    keys = [queue_key(queue, name) for queue in QUEUES]
    OrmQ.objects.filter(key__in=keys).delete()
    Schedule.objects.filter(cluster__in=keys, func__startswith=f"{JOBS}.").delete()
    Cluster.objects.filter(host=name).delete()
    Host.objects.filter(name=name).delete()


def prune_failures(now: datetime, limit: int) -> None:
    """Delete up to ``limit`` rows of tasks that failed, but never the last `FAILURES_KEPT_ALWAYS`.

    Not by age alone: the clock may be a year ahead and be put right again.
    """
    surplus = Failure.objects.order_by("-stopped").values_list("pk", flat=True)[FAILURES_KEPT_ALWAYS:limit]
    Failure.objects.filter(pk__in=list(surplus), stopped__lt=now - FAILURES_KEPT).delete()
