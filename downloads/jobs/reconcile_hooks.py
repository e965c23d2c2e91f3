"""Hooks before and after a reconcile pass: finish moves, relink, process trash requests, write playlists.

An error in a hook is logged and the hook runs again next time: it must neither stop the pass nor the workers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import OperationalError

from catalog.db import database_clock
from catalog.library import better_files
from catalog.library.playlist_files import write_playlists
from catalog.library.reconcile import ReconcileReport
from downloads.file_moves import better_file, library_tools, trash
from downloads.jobs.queue import request_players
from downloads.players import tell
from downloads.publishing import album_covers

logger = logging.getLogger(__name__)


def before_pass(now: datetime) -> None:
    """Finish moves that a crash interrupted: such a file is at neither of its places, and the pass would miss it.

    Raises OperationalError: the pass would meet a database that cannot be used in the next moment.
    """
    try:
        trash.recover(now)
    except OperationalError:
        raise
    except Exception:
        _log_failure(trash.recover)


def after_pass(now: datetime, report: ReconcileReport) -> None:
    """Move files that nobody wants to the trash, see to better files of songs in changed folders, and to covers."""
    _safely(trash.process_trash_requests, now)
    _safely(better_file.use_accepted, now)
    _safely(lambda now: better_files.offer(now, library_tools.TOOLS, report.searched), now)
    if report.full or report.found:
        _safely(album_covers.tidy, now)


def after_file_changes(now: datetime) -> None:
    """Write the playlists again after files were added or removed, and let the players know."""
    _safely(write_playlists, now)
    _safely(lambda _: tell_players_soon(), now)


def tell_players_soon() -> None:
    """Ask for the job that tells the players, after what comes together has come."""
    if tell.are_set():
        request_players(at=database_clock.now() + tell.SETTLES)


def _safely(hook: Callable[[datetime], Any], now: datetime) -> None:
    try:
        hook(now)
    except Exception:
        _log_failure(hook)


def _log_failure(hook: Callable[..., Any]) -> None:
    logger.exception("%s.%s ended in an error", hook.__module__, hook.__name__)
