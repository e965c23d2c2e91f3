"""The job that syncs and reconciles, by schedule or on request."""

from __future__ import annotations

import logging
from datetime import datetime

from catalog.db import database_clock
from catalog.library.make_plan import accept_what_is_small, make_plan
from catalog.library.reconcile import ReconcileReport, reconcile
from catalog.models import JobRequest
from catalog.spotify.sync import SyncReport, sync
from catalog.storage import state as storage
from catalog.storage.probe import RootProblem
from catalog.text.user_error import UserError
from downloads.audio import unheard
from downloads.file_moves import library_tools
from downloads.jobs import cluster_state, reconcile_hooks, statistics
from downloads.jobs.queue import job, request_listen, request_retag, wake
from downloads.jobs.schedule import due, may_look
from downloads.publishing import retag

logger = logging.getLogger(__name__)


@job
def handle_backlog() -> str:
    """Sync, reconcile and wake, in this order, as far as due; or only the last two."""
    now = database_clock.now()
    if JobRequest.objects.is_waiting("accept_root"):
        accept_root(now)
    plan = due(now, online=storage.check(now).may_read)
    if plan.sync:
        sync_and_reconcile(now)
    elif plan.reconcile:
        reconcile_and_wake(now, full=plan.full)
    elif plan.look:
        look_through(now)
    return str(plan)


def accept_root(now: datetime) -> None:
    """Accept the folder at MUSIC_DIR as the library. The request was about an offline library: one that is back stays.

    Where there is no folder to accept, the page goes on saying what is wrong.
    """
    JobRequest.objects.take_up("accept_root")
    if storage.check(now).state != storage.OFFLINE:
        return
    try:
        storage.accept_root(now)
    except RootProblem as error:
        logger.warning("The music folder could not be accepted: %s", error)
        return
    JobRequest.objects.ask("reconcile")


def sync_and_reconcile(now: datetime) -> tuple[SyncReport, ReconcileReport]:
    """Sources -> catalog, catalog <-> disk, then the workers, in this order. Raises what the parts raise."""
    JobRequest.objects.take_up("sync")
    report = sync(now, should_stop=cluster_state.should_stop)
    if report.busy:
        JobRequest.objects.ask("sync")  # the sync under way may have begun before this request
    if report.updated and retag.is_wanted():
        request_retag()
    return report, reconcile_and_wake(database_clock.now())


def reconcile_and_wake(now: datetime, full: bool = False) -> ReconcileReport:
    """One pass over the music folder. The clusters that ran before it began may claim once it has ended."""
    JobRequest.objects.take_up("reconcile")
    running = cluster_state.running_clusters()
    reconcile_hooks.before_pass(now)
    report = reconcile(now, full=full, sizes=full, should_stop=cluster_state.should_stop, tools=library_tools.TOOLS)
    if report.busy:
        JobRequest.objects.ask("reconcile")  # the pass under way may have begun before this request
    statistics.refresh(always=report.complete and full)
    if report.complete and full and retag.is_wanted():
        request_retag()  # once a day: imports and merges correct rows too
    if report.complete:
        if may_look(database_clock.now()):
            look_through(database_clock.now())
        accept_what_is_small()
        reconcile_hooks.after_pass(database_clock.now(), report)
        cluster_state.mark_reconciled(running, database_clock.now())
    wake()
    if unheard.unheard().exists():
        request_listen()
    reconcile_hooks.after_file_changes(database_clock.now())
    return report


def look_through(now: datetime) -> None:
    """Look for songs that are in the folder already, so that the plan can be shown."""
    JobRequest.objects.take_up("look")
    try:
        make_plan(now, should_stop=cluster_state.should_stop, tools=library_tools.TOOLS)
    except UserError as error:
        logger.warning("The music folder could not be looked through: %s", error)
