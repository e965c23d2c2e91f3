"""The jobs that come each minute or whenever tracks are due, and the steps of the tick."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings

from catalog.db import database_clock
from catalog.models import BrowserSession, Event, JobRequest, Run, Track
from catalog.models.hosts import own_name
from catalog.storage import acting_host
from catalog.storage import state as storage
from catalog.system.file_locks import try_lock
from downloads.audio import unheard
from downloads.file_moves import rename_plan
from downloads.jobs import cluster_state, maintenance, reconcile_hooks
from downloads.jobs.queue import (
    DOWNLOADS,
    MAIN,
    enqueue,
    job,
    prune_failures,
    queue_key,
    request_backlog,
    request_covers,
    request_import,
    request_listen,
    request_maintenance,
    request_messages,
    request_move,
    request_players,
    request_reconcile,
    request_search,
    request_waiting_retag,
    wake,
)
from downloads.jobs.schedule import due
from downloads.notify import outbox
from downloads.players import tell
from downloads.publishing import album_covers, retag, written_tags
from downloads.search import manual_search
from downloads.worker import loop, rescue, upgrade_retry

PRUNE_BATCH = 5000  # rows a minute: short locks
DOWNLOAD_SHIFT = 30 * 60.0  # seconds after which a worker ends its job and takes a new one: leaks stay small
PLAYLISTS_EVERY = 60.0  # seconds at least between two writings of the playlists while songs come one by one
LONGEST_WAIT = 45.0  # seconds that a worker waits for its turn; the pace is one song in 24 s unless a person slowed it

logger = logging.getLogger(__name__)
Step = Callable[[datetime], object]


@job
def tick() -> str:
    """Each minute: a heartbeat, then every step of `EACH_MINUTE`; one that fails does not stop the others."""
    now = database_clock.now()
    cluster_state.heartbeat(now)
    if "downloads" in settings.ROLES:
        enqueue("heartbeat", queue_key(DOWNLOADS))
    with try_lock("tick") as alone:  # a disk that hangs may hang one worker, not all of them
        if not alone:
            return "another tick runs"
        _run_step(storage.check, now)  # first: who does not see the library should not act, and what follows asks too
        steps = EACH_MINUTE if acting_host.take(now) else ON_EACH_HOST
        failed = [step.__name__ for step in steps if not _run_step(step, now)]
    return f"failed: {', '.join(failed)}" if failed else "done"


def _run_step(step: Step, now: datetime) -> bool:
    try:
        step(now)
    except Exception:
        logger.exception("The step %s of the tick ended in an error", step.__name__)
        return False
    return True


def _handle_backlog_if_due(now: datetime) -> None:
    if due(now, online=storage.current().may_read):
        request_backlog()


def _wake_if_due(now: datetime) -> None:
    if Track.objects.queue(now).exists():
        wake()


def _move_if_requested(now: datetime) -> None:
    if rename_plan.is_asked():
        request_move()


def _retag_if_requested(now: datetime) -> None:
    request_waiting_retag()


def _search_if_requested(now: datetime) -> None:
    if manual_search.waiting(now):
        request_search()


def _import_if_requested(now: datetime) -> None:
    if Run.objects.waiting_imports(own_name()).exists():
        request_import()


def _maintain_if_requested(now: datetime) -> None:
    maintenance.ask_daily(now)
    if Run.objects.waiting(*Run.MAINTENANCE).exists():
        request_maintenance()


def _send_if_due(now: datetime) -> None:
    outbox.write_due(now)
    if outbox.has_due(now):
        request_messages()


def _tell_players(now: datetime) -> None:
    if tell.are_set():
        request_players()


def _find_covers(now: datetime) -> None:
    if album_covers.is_work(now):
        request_covers()


def prune(now: datetime) -> None:
    """Delete old events and failed tasks, some thousand a minute, and sessions that have expired."""
    old = Event.objects.forgettable(now).order_by("at").values_list("pk", flat=True)
    Event.objects.filter(pk__in=list(old[:PRUNE_BATCH])).delete()
    prune_failures(now, PRUNE_BATCH)
    BrowserSession.objects.filter(expire_date__lt=now).delete()


EACH_MINUTE: tuple[Step, ...] = (
    rescue.recover,  # tracks whose worker died become due again
    rename_plan.finish_interrupted,  # before a pass could miss a file on its way
    _handle_backlog_if_due,
    upgrade_retry.retry_after_change,  # before the wake: it makes tracks due
    _wake_if_due,
    _search_if_requested,
    _move_if_requested,
    _retag_if_requested,
    _import_if_requested,
    _maintain_if_requested,
    _send_if_due,
    _tell_players,
    _find_covers,
    prune,
)


ON_EACH_HOST: tuple[Step, ...] = (_import_if_requested,)  # what was uploaded lies with the host that took it


@job
def heartbeat() -> str:
    """Travels through a worker, and so proves that this cluster's workers still get work."""
    cluster_state.heartbeat(database_clock.now())
    if "jobs" not in settings.ROLES:  # no tick of this host looks at the music folder
        storage.check(database_clock.now())
    return "alive"


@job
def download() -> str:
    """Fetch one track after another until nothing is due, a stop is requested, or the shift is over."""
    if not cluster_state.may_claim():
        return "the first reconcile has not ended yet"
    cluster_state.heartbeat(database_clock.now())
    tracks = 0
    shift_ends = time.monotonic() + DOWNLOAD_SHIFT
    playlists_due = time.monotonic() + PLAYLISTS_EVERY
    while time.monotonic() < shift_ends and not cluster_state.should_stop() and not _is_superseded():
        if loop.work_one(should_stop=cluster_state.should_stop) is None:
            if _wait_for_turn():
                if tracks and time.monotonic() > playlists_due:
                    reconcile_hooks.after_file_changes(database_clock.now())
                    playlists_due = time.monotonic() + PLAYLISTS_EVERY
                continue
            if tracks:
                reconcile_hooks.after_file_changes(database_clock.now())
            return f"{tracks} tracks"
        tracks += 1
        reconcile_hooks.tell_players_soon()
    if not cluster_state.should_stop():
        wake()
    return f"{tracks} tracks, more is due"


def _wait_for_turn() -> bool:
    """Wait until the site may be asked again, where that is soon: the tick would come up to a minute too late."""
    turn = loop.seconds_to_turn(database_clock.now())
    if not 0 < turn <= LONGEST_WAIT:
        return False
    end = time.monotonic() + turn
    while (rest := end - time.monotonic()) > 0 and not cluster_state.should_stop():
        time.sleep(min(rest, 0.5))
    return True


def _is_superseded() -> bool:
    """Whether this is the main cluster, filling in, and the cluster that should fetch has started meanwhile."""
    return cluster_state.own_queue() == MAIN and cluster_state.is_served(DOWNLOADS, database_clock.now())


@job
def move_files() -> str:
    """Move files as requested on a page. The tick asks again for what cannot be done now."""
    try:
        report = rename_plan.do_asked(database_clock.now(), cluster_state.should_stop)
    except rename_plan.CannotMove as error:
        return str(error)
    if report.files:
        request_reconcile()
    return f"{report.moved} moved, {report.left} left"


@job
def retag_files() -> str:
    """Let the tags in files follow the catalog, once it is known of all files what was written into them."""
    if JobRequest.objects.is_waiting("retag_files") and storage.check(database_clock.now()).may_read:
        learned = written_tags.learn(cluster_state.should_stop, written_tags.BATCH)
        if learned == written_tags.BATCH:
            request_waiting_retag()
            return f"{learned} files read"
    return _retag("retag_files", retag.apply)


@job
def undo_retag() -> str:
    """Write back what the last run found in the tags."""
    return _retag("undo_retag", retag.undo)


def _retag(kind: str, run: Callable[[datetime, Callable[[], bool]], retag.RetagReport]) -> str:
    """Do what was asked for. The request stands until it is done: the tick wakes the job again."""
    if not JobRequest.objects.take_up(kind):
        return "done already"
    try:
        report = run(database_clock.now(), cluster_state.should_stop)
    except retag.CannotRetag as error:
        JobRequest.objects.ask(kind)
        return str(error)
    if not report.complete:
        JobRequest.objects.ask(kind)
    return f"{report.written} tagged anew, {report.left} left"


@job
def listen_to_files() -> str:
    """Measure some of the files that nobody has listened to; another job does the rest, so that others come between."""
    with try_lock("listen") as alone:
        report = unheard.listen(database_clock.now, cluster_state.should_stop) if alone else unheard.HeardFiles()
    if report.more and not cluster_state.should_stop():
        request_listen()
    return f"{report.heard} heard, {report.unreadable} unreadable"


@job
def answer_searches() -> str:
    """Run the searches that persons typed, one job at a time; what fits by then is fetched."""
    with try_lock("search") as alone:
        count = manual_search.answer_all(database_clock.now()) if alone else 0
    wake()
    return f"{count} answered"
