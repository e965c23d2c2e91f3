"""What django-q2 runs, and when. The only importer of django_q.

The broker carries wake-ups without payload, never work lists: a lost, doubled or late one changes nothing, since every
job asks the catalog what there is to do. One schedule exists, a tick each minute; all else follows from rows.

    queue "tonekeep"     tick, sync, reconcile (and one download at a time, where nobody serves the other queue)
    queue "downloads"    DOWNLOAD_WORKERS workers that fetch
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.utils import timezone
from django_q.cluster import Cluster as DjangoQCluster
from django_q.conf import Conf
from django_q.models import Failure, OrmQ, Schedule
from django_q.tasks import async_task

from catalog.library.reconcile import ReconcileReport, reconcile
from catalog.models import Event, Run, Track
from catalog.storage import state as storage
from catalog.storage.probe import RootProblem
from catalog.system import child_lifetime
from catalog.system.file_locks import try_lock
from downloads.file_moves import rename_plan
from downloads.jobs import cluster_state, reconcile_hooks
from downloads.jobs.schedule import asked, due
from downloads.search import manual_search
from downloads.worker import attempt, rescue, upgrade_retry

if TYPE_CHECKING:
    from catalog.spotify.sync import SyncReport

# Names in the rows of django-q2, also those that an earlier version left there: `downloads.jobs` answers them.
JOBS = "downloads.jobs"
TICK = f"{JOBS}.tick"

QUEUES = MAIN, DOWNLOADS = "tonekeep", "downloads"

FAILURES_KEPT = timedelta(days=30)  # django-q2 keeps failed tasks for ever
FAILURES_KEPT_ALWAYS = 100  # the last ones, however old
FORGOTTEN_AT_ONCE = 5000

DOWNLOAD_SHIFT = 30 * 60.0  # seconds after which a worker goes back for its next wake-up: leaks stay small
TICK_WITHIN = timedelta(minutes=2)
LOOK_AT_CLOCK_EVERY = 60.0  # seconds
SCAN_LIMIT = 50  # waiting wake-ups looked at to see whether one more is needed

logger = logging.getLogger(__name__)
Job = Callable[[], str]
Step = Callable[[datetime], object]


def job(body: Job) -> Job:
    """What django-q2 may call. An error becomes a log line and a short result: task rows never hold its text."""

    @functools.wraps(body)
    def run() -> str:
        try:
            return body()
        except Exception as error:
            logger.exception("The job %s ended in an error", body.__name__)
            return f"error: {type(error).__name__}"

    return run


# --- Wake-ups ---------------------------------------------------------------------------------------------


def wake() -> None:
    """Let every download worker look whether something is due. Costs nothing where enough wake-ups wait already."""
    now = timezone.now()
    queue, workers = (DOWNLOADS, settings.DOWNLOAD_WORKERS) if cluster_state.serves(DOWNLOADS, now) else (MAIN, 1)
    _enqueue(download, queue, workers)


def request_sync() -> None:
    """Sync, then reconcile, then wake, soon: by the next free worker."""
    _ask("sync")


def request_move() -> None:
    """Move files soon, as a person asked for (`downloads.file_moves.rename_plan`)."""
    _enqueue(move_files, MAIN)


def request_search() -> None:
    """Search soon for what a person wrote down (`downloads.search.manual_search`)."""
    _enqueue(answer_searches, MAIN)


def request_import() -> None:
    """Import soon what a person uploaded (`downloads.jobs.uploads`)."""
    _enqueue(import_uploads, MAIN)


def request_reconcile() -> None:
    """Look at the music folder soon."""
    _ask("reconcile")


def request_accept_root() -> None:
    """Take the folder that is there now for the library, as a person said on a page: soon, by the next free worker."""
    _ask("accept_root")


def request_tick() -> None:
    """Look what is due now, instead of within a minute."""
    _enqueue(tick, MAIN)


def _ask(what: str) -> None:
    """The mark outlives a wake-up that meets a pass under way, which may have begun before this was asked."""
    asked(what).touch()
    _enqueue(handle_backlog, MAIN)


def _enqueue(body: Job, queue: str, workers: int = 1) -> None:
    """Put wake-ups for ``body`` into ``queue`` until ``workers`` of them wait there."""
    name = f"{JOBS}.{body.__name__}"
    rows = OrmQ.objects.filter(key=queue, lock__lte=timezone.now())[:SCAN_LIMIT]
    waiting = sum(row.task.get("func") == name for row in rows)
    for _ in range(workers - waiting):
        async_task(name, cluster=queue, save=False)


# --- Jobs -------------------------------------------------------------------------------------------------


@job
def tick() -> str:
    """Each minute: a heartbeat, then every step of `EACH_MINUTE`; one that fails costs the others nothing."""
    now = timezone.now()
    cluster_state.heartbeat(now)
    _enqueue(heartbeat, DOWNLOADS)
    with try_lock("tick") as alone:  # a disk that hangs may hang one worker, not all of them
        if not alone:
            return "another tick runs"
        failed = [step.__name__ for step in EACH_MINUTE if not _done(step, now)]
    return f"failed: {', '.join(failed)}" if failed else "done"


def _done(step: Step, now: datetime) -> bool:
    try:
        step(now)
    except Exception:
        logger.exception("The step %s of the tick ended in an error", step.__name__)
        return False
    return True


def _handle_backlog_if_due(now: datetime) -> None:
    if due(now, online=storage.current().may_read):
        _enqueue(handle_backlog, MAIN)


def _wake_if_due(now: datetime) -> None:
    if Track.objects.queue(now).exists():
        wake()


def _move_if_asked(now: datetime) -> None:
    if rename_plan.is_asked():
        request_move()


def _search_if_asked(now: datetime) -> None:
    if manual_search.waiting(now):
        request_search()


def _import_if_asked(now: datetime) -> None:
    if Run.objects.filter(kind=Run.Kind.IMPORT, ended_at=None).exists():
        request_import()


@job
def heartbeat() -> str:
    """Travels through a worker, and so proves that this cluster's workers still get work."""
    cluster_state.heartbeat(timezone.now())
    return "alive"


@job
def download() -> str:
    """Fetch one track after another until nothing is due, a stop is asked for, or the shift is over."""
    if not cluster_state.may_claim():
        return "the first reconcile has not ended yet"
    cluster_state.heartbeat(timezone.now())
    tracks = 0
    shift_ends = time.monotonic() + DOWNLOAD_SHIFT
    while time.monotonic() < shift_ends and not cluster_state.should_stop() and not _relieved():
        if attempt.work_one(should_stop=cluster_state.should_stop) is None:
            if tracks:
                reconcile_hooks.songs_came_or_went(timezone.now())
            return f"{tracks} tracks"
        tracks += 1
    if not cluster_state.should_stop():
        wake()
    return f"{tracks} tracks, more is due"


def _relieved() -> bool:
    """Whether this is the main cluster, filling in, and the one that should fetch has turned up."""
    return cluster_state.ours() == MAIN and cluster_state.serves(DOWNLOADS, timezone.now())


@job
def move_files() -> str:
    """Move files as a person asked for on a page. What cannot be done now the tick asks for again."""
    try:
        report = rename_plan.do_asked(timezone.now(), cluster_state.should_stop)
    except rename_plan.CannotMove as error:
        return str(error)
    if report.files:
        request_reconcile()
    return f"{report.moved} moved, {report.left} left"


@job
def answer_searches() -> str:
    """Search in persons' own words, one job at a time; what fits by then is fetched."""
    with try_lock("search") as alone:
        answered = manual_search.answer_all(timezone.now()) if alone else 0
    wake()
    return f"{answered} answered"


@job
def import_uploads() -> str:
    """Import what persons uploaded on a page, then look for it in the folder. The tick asks again for what is left."""
    from downloads.jobs import uploads  # here: what reads exports takes memory, and most processes never do

    ended = uploads.import_waiting(timezone.now())
    if ended:
        request_reconcile()
    return f"{ended} imported"


@job
def handle_backlog() -> str:
    """Do what is due by now: sync, reconcile and wake, in this order; or only the last two."""
    now = timezone.now()
    if asked("accept_root").exists():
        accept_root(now)
    plan = due(now, online=storage.check(now).may_read)
    if plan.sync:
        sync_and_reconcile(now)
    elif plan.reconcile:
        reconcile_and_wake(now, full=plan.full)
    return str(plan)


def accept_root(now: datetime) -> None:
    """What a person said stands for the folder as it was then: a library that is back is left as it is.

    Where there is no folder to accept, the page goes on saying what is wrong.
    """
    asked("accept_root").unlink(missing_ok=True)
    if storage.check(now).state != storage.OFFLINE:
        return
    try:
        storage.accept_root(now)
    except RootProblem as error:
        logger.warning("The music folder could not be accepted: %s", error)
        return
    asked("reconcile").touch()


def sync_and_reconcile(now: datetime) -> tuple[SyncReport, ReconcileReport]:
    """Sources -> catalog, catalog <-> disk, then the workers: in this order. Raises what the parts raise."""
    from catalog.spotify.sync import sync  # here: what talks to Spotify takes 13 MB, and most processes never sync

    asked("sync").unlink(missing_ok=True)
    said = sync(now, should_stop=cluster_state.should_stop)
    if said.busy:
        asked("sync").touch()  # the sync under way may have begun before this one was asked for
    return said, reconcile_and_wake(timezone.now())


def reconcile_and_wake(now: datetime, full: bool = False) -> ReconcileReport:
    """One pass over the music folder. The clusters that ran before it began may claim once it has ended."""
    asked("reconcile").unlink(missing_ok=True)
    running = cluster_state.started()
    reconcile_hooks.before_a_pass(now)
    report = reconcile(now, full=full, should_stop=cluster_state.should_stop)
    if report.busy:
        asked("reconcile").touch()  # the pass under way may have begun before this one was asked for
    if report.complete:
        reconcile_hooks.after_a_pass(timezone.now())
        cluster_state.reconciled(running, timezone.now())
    wake()
    reconcile_hooks.songs_came_or_went(timezone.now())
    return report


# --- What is kept, and what each minute does --------------------------------------------------------------


def prune(now: datetime) -> None:
    """Forget old events and failed tasks, some thousand a minute: short locks.

    Neither by the clock alone, which may be a year ahead and be put right again.
    """
    old = Event.objects.forgettable(now).order_by("at").values_list("pk", flat=True)
    Event.objects.filter(pk__in=list(old[:FORGOTTEN_AT_ONCE])).delete()
    beyond = Failure.objects.order_by("-stopped").values_list("pk", flat=True)[FAILURES_KEPT_ALWAYS:FORGOTTEN_AT_ONCE]
    Failure.objects.filter(pk__in=list(beyond), stopped__lt=now - FAILURES_KEPT).delete()


EACH_MINUTE: tuple[Step, ...] = (
    storage.check,  # first: what follows asks whether the library is there
    rescue.recover,  # tracks whose worker died become due again
    rename_plan.finish_interrupted,  # before a pass could miss a file on its way
    _handle_backlog_if_due,
    upgrade_retry.retry_after_change,  # before the wake: it makes tracks due
    _wake_if_due,
    _search_if_asked,
    _move_if_asked,
    _import_if_asked,
    prune,
)


# --- The clusters -----------------------------------------------------------------------------------------


class StoppableCluster(DjangoQCluster):
    """A cluster whose busy workers hear of a stop at once, whoever asked for it: Ctrl-C, SIGTERM, the manager."""

    def stop(self) -> bool:
        cluster_state.ask_stop()
        return bool(super().stop())


def install_schedules(now: datetime) -> None:
    """One schedule, the tick, whatever stood there: `Schedule.name` is not unique, and clocks get set back."""
    ours = Schedule.objects.filter(func__startswith=f"{JOBS}.")
    with transaction.atomic():
        first = ours.filter(func=TICK).order_by("pk").first() or Schedule(func=TICK)
        first.name, first.schedule_type, first.minutes, first.repeats = "tick", Schedule.MINUTES, 1, -1
        first.next_run, first.cluster = now, None
        first.save()
        ours.exclude(pk=first.pk).delete()


def mend_schedule(now: datetime) -> bool:
    """Bring the tick back where its next time lies too far ahead: a clock that is set back would silence it until then.

    Asked by the cluster's main process: without ticks no worker could. True: it was so.
    """
    late = Schedule.objects.filter(func=TICK, next_run__gt=now + TICK_WITHIN)
    if not late.exists():
        return False
    install_schedules(now)
    return True


def cluster_name() -> str:
    """The queue that this process would serve."""
    return str(Conf.CLUSTER_NAME)


def run_cluster() -> bool:
    """Be the cluster that this process was started as, until it is stopped. False: it broke down.

    It joins before it forks, and asks for the tick that reconciles: its workers claim nothing before that has ended.
    """
    now = timezone.now()
    cluster_state.register(cluster_name(), now)
    if cluster_name() == MAIN:
        install_schedules(now)
    request_tick()
    connections.close_all()  # a parent and its forks on one connection corrupt each other
    child_lifetime.forks_die_with_their_parents()
    cluster = StoppableCluster()
    cluster.start()
    while cluster.sentinel.is_alive():
        cluster.sentinel.join(LOOK_AT_CLOCK_EVERY)
        with suppress(DatabaseError):
            mend_schedule(timezone.now())
        connections.close_all()
    cluster_state.unregister()
    return bool(cluster.sentinel.exitcode == 0)
