"""What a person asks for on the pages Maintenance and Music folder, and a job does: no page touches the music folder.

Each request is a run without an end, as an import is; a job sees it through. All of it may be begun again at any time,
so what was killed is simply done once more.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from catalog.db import database_clock
from catalog.db.backup import backup
from catalog.library.audit import check_library
from catalog.models import JobRequest, Run
from catalog.models.run_progress import RunProgress, close_run
from catalog.storage import choose
from catalog.system.file_locks import try_lock
from catalog.text.user_error import UserError
from downloads.jobs import cluster_state
from downloads.jobs.queue import job, request_maintenance
from downloads.jobs.schedule import has_passed

TRIES = 3  # of a job whose process died
RUNS_KEPT = 20
BACKUPS_KEPT = 3
SHOWN = 50  # of each kind that a check lists on the page
DATABASE_EVERY = timedelta(days=1)
STEPS_BETWEEN_LOOKS = 1_000_000  # of SQLite's machine, some hundredths of a second
BACKUP_NAME = re.compile(r"tonekeep-\d{8}-\d{6}\.(sqlite3|dump)")

logger = logging.getLogger(__name__)


class Stopped(Exception):
    """The cluster stops; the run waits for the next one."""


def ask(kind: str, now: datetime, **report: str) -> bool:
    """Ask for ``kind`` once. False: it is asked for already, and this request counts for nothing."""
    if Run.objects.waiting(kind).exists():
        return False
    Run.objects.create(kind=kind, started_at=now, report={"tries": 0, **report})
    request_maintenance()
    return True


@job
def maintain() -> str:
    """Do what was asked for, the oldest first. The tick asks again for what is left."""
    done = 0
    with try_lock("maintenance") as alone, suppress(Stopped):
        for run in Run.objects.waiting(*Run.MAINTENANCE) if alone else ():
            _see_through(run)
            done += 1
    return f"{done} done"


def _see_through(run: Run) -> None:
    """Do what ``run`` asks for and write its end. Raises Stopped where it waits for the next cluster instead."""
    now, began = database_clock.now(), time.monotonic()
    asked = run.report | {"tries": run.report["tries"] + 1}
    Run.objects.filter(pk=run.pk).update(report=asked)
    report: dict[str, Any] = {}
    problem = ""
    try:
        if asked["tries"] > TRIES:
            raise UserError(f"It was cut off {TRIES} times; the log may say why.")
        report = STEPS[run.kind](run, now)
    except UserError as error:
        problem = str(error)
    except Stopped:
        Run.objects.filter(pk=run.pk).update(report=run.report)
        raise
    except Exception:
        logger.exception("What was asked for on a page (%s) ended in an error", run.kind)
        problem = "It ended in an error; the log says which."
    close_run(run, now, time.monotonic() - began, problem, report, RUNS_KEPT)


def _check(run: Run, now: datetime) -> dict[str, Any]:
    """Compare the catalog with the folder. The first of each kind by name, all counted."""
    progress = RunProgress(run)

    def look_on(folders: int) -> None:
        if cluster_state.should_stop():
            raise Stopped
        progress.update(folders, 0)

    check = check_library(now, look_on)
    if check.problem:
        raise UserError(check.problem)
    listed = {kind: items[:SHOWN] for kind, items in check.listed.items()}
    return {"files": check.files, "rows": check.rows, "counts": check.counts, "listed": listed}


def _backup(run: Run, now: datetime) -> dict[str, Any]:
    """A checked copy of the catalog in DATA_DIR/backups, where the last `BACKUPS_KEPT` stay."""
    ending = "sqlite3" if connection.vendor == "sqlite" else "dump"
    copy = backup(str(backups_folder() / f"tonekeep-{now:%Y%m%d-%H%M%S}.{ending}"))
    for old in backups()[BACKUPS_KEPT:]:
        os.unlink(old)
    return {"size": copy.size, "tracks": copy.tracks, "host": settings.HOST_NAME}


def backups_folder() -> Path:
    """Where this host keeps the backups that were asked for on the page."""
    folder: Path = settings.DATA_DIR / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def backups() -> list[Path]:
    """Those of this host, the latest first."""
    return sorted((one for one in backups_folder().iterdir() if BACKUP_NAME.fullmatch(one.name)), reverse=True)


def _check_database(run: Run, now: datetime) -> dict[str, Any]:
    """SQLite's own look through its file: pages, rows and indexes. Readers and writers go on meanwhile."""
    with connection.cursor() as cursor:
        live = connection.connection
        live.set_progress_handler(cluster_state.stop_is_requested, STEPS_BETWEEN_LOOKS)
        try:
            cursor.execute(f"PRAGMA quick_check({SHOWN})")
            found = [str(row[0]) for row in cursor.fetchall()]
        except DatabaseError:
            if cluster_state.stop_is_requested():
                raise Stopped from None
            raise
        finally:
            live.set_progress_handler(None, 0)
    if found != ["ok"]:
        raise UserError(f"The database is damaged: {found[0]}")
    return {}


def ask_daily(now: datetime) -> None:
    """Ask for what is done once a day without a person."""
    last = Run.objects.filter(kind=Run.Kind.DATABASE, started_at__lte=now).first()
    if connection.vendor == "sqlite" and has_passed(last.started_at if last else None, DATABASE_EVERY, now):
        ask(Run.Kind.DATABASE, now)


def _choose(run: Run, now: datetime) -> dict[str, Any]:
    """Take another music folder, and start everything of this host anew with it."""
    path = run.report["path"]
    if choose.choose(path):
        JobRequest.objects.ask("reconcile")  # of the next start
    cluster_state.request_restart()
    return {"path": path}


STEPS: dict[str, Callable[[Run, datetime], dict[str, Any]]] = {
    Run.Kind.CHECK: _check,
    Run.Kind.BACKUP: _backup,
    Run.Kind.FOLDER: _choose,
    Run.Kind.DATABASE: _check_database,
}
