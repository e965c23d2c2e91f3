"""Put wake-ups into django-q2's queues, and what every job is wrapped in. Jobs are named, not imported.

The broker carries wake-ups without payload, never work lists: a lost, doubled or late one changes nothing, since every
job asks the catalog what there is to do.

    queue "tonekeep"     tick, sync, reconcile (and one download at a time, where nobody serves the other queue)
    queue "downloads"    DOWNLOAD_WORKERS workers that fetch
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone
from django_q.models import Failure, OrmQ
from django_q.tasks import async_task

from catalog.db import database_clock
from catalog.models import JobRequest
from catalog.models.settings import value
from downloads.jobs import cluster_state

JOBS = "downloads.jobs"  # the package that answers the names in django-q2's rows
QUEUES = MAIN, DOWNLOADS = "tonekeep", "downloads"
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
    now = database_clock.now()
    queue, workers = (DOWNLOADS, value("DOWNLOAD_WORKERS")) if cluster_state.is_served(DOWNLOADS, now) else (MAIN, 1)
    enqueue("download", queue, workers)


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
    """Let tags in files follow the catalog, or write back the last run's (`downloads.publishing.retag`)."""
    enqueue("undo_retag" if undo else "retag_files")


def request_search() -> None:
    """Run the searches that persons typed (`downloads.search.manual_search`)."""
    enqueue("answer_searches")


def request_listen() -> None:
    """Measure the files that nobody has listened to yet (`downloads.audio.unheard`)."""
    enqueue("listen_to_files")


def request_import() -> None:
    """Import the uploads that wait (`downloads.jobs.uploads`)."""
    enqueue("import_uploads")


def request_backlog() -> None:
    """Run the sync or reconcile that is due (`downloads.jobs.backlog`)."""
    enqueue("handle_backlog")


def request_tick() -> None:
    """Run the tick now instead of within a minute."""
    enqueue("tick")


def _request(kind: str) -> None:
    """The row outlives a wake-up that meets a pass under way, which may have begun before this request."""
    JobRequest.objects.ask(kind)
    request_backlog()


def enqueue(name: str, queue: str = MAIN, workers: int = 1) -> None:
    """Put wake-ups for the job ``name`` into ``queue`` until ``workers`` of them wait there."""
    function = f"{JOBS}.{name}"
    rows = OrmQ.objects.filter(key=queue, lock__lte=timezone.now())[:SCAN_LIMIT]
    waiting = sum(row.task.get("func") == function for row in rows)
    for _ in range(workers - waiting):
        async_task(function, cluster=queue, save=False)


def prune_failures(now: datetime, limit: int) -> None:
    """Delete up to ``limit`` rows of tasks that failed, but never the last `FAILURES_KEPT_ALWAYS`.

    Not by age alone: the clock may be a year ahead and be put right again.
    """
    surplus = Failure.objects.order_by("-stopped").values_list("pk", flat=True)[FAILURES_KEPT_ALWAYS:limit]
    Failure.objects.filter(pk__in=list(surplus), stopped__lt=now - FAILURES_KEPT).delete()
