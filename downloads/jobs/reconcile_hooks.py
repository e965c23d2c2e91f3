"""What is done for the music folder around a pass over it: moves are finished before, the rest follows after.

None of it may keep the workers waiting for ever or cost the pass: what goes wrong here is logged and tried again next
time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import OperationalError

from catalog.library.playlist_files import write_playlists
from catalog.library.relink import relink
from catalog.models import Library
from downloads.file_moves import trash

logger = logging.getLogger(__name__)


def before_a_pass(now: datetime) -> None:
    """A file whose move was cut short by a crash stands in neither of its places: the pass would miss it.

    Raises OperationalError: the pass would meet a database that cannot be used in the next moment.
    """
    try:
        trash.recover(now)
    except OperationalError:
        raise
    except Exception:
        _told(trash.recover)


def after_a_pass(now: datetime) -> None:
    """Renamed files find their tracks again, before anybody fetches them; files that nobody wants go to the bin."""
    if Library.load().always_relink:
        _safely(relink, now)
    _safely(trash.process_trash_requests, now)


def songs_came_or_went(now: datetime) -> None:
    """Playlists follow."""
    _safely(write_playlists, now)


def _safely(deed: Callable[[datetime], Any], now: datetime) -> None:
    try:
        deed(now)
    except Exception:
        _told(deed)


def _told(deed: Callable[..., Any]) -> None:
    logger.exception("%s.%s ended in an error", deed.__module__, deed.__name__)
