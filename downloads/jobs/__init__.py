"""Background jobs. Rows of django-q2 name them ``downloads.jobs.<name>``, whichever module holds the function.

Each job lives in a module that imports what it needs, and is imported where it runs: in a fork of the worker that ends
with the job. What talks to Spotify takes 13 MB, what reads exports 30 MB.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from catalog.system.forked_call import CallFailed, call_in_fork

logger = logging.getLogger(__name__)

# Name in the rows -> module of this package. Earlier versions wrote "catch_up" for "handle_backlog".
JOBS = {
    "tick": "tasks",
    "heartbeat": "tasks",
    "download": "tasks",
    "move_files": "tasks",
    "retag_files": "tasks",
    "undo_retag": "tasks",
    "answer_searches": "tasks",
    "listen_to_files": "tasks",
    "handle_backlog": "backlog",
    "catch_up": "backlog",
    "import_uploads": "uploads",
    "maintain": "maintenance",
    "send_messages": "outbound",
    "tell_players": "outbound",
    "find_covers": "outbound",
}
RENAMED = {"catch_up": "handle_backlog"}


def __getattr__(name: str) -> Any:
    """The function of a job (PEP 562): django-q2 looks it up by its dotted name when a worker is to run it."""
    if name not in JOBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return partial(_run, name)


def body_of(name: str) -> Callable[[], str]:
    """What a job runs, imported now."""
    body: Callable[[], str] = getattr(import_module(f"{__name__}.{JOBS[name]}"), RENAMED.get(name, name))
    return body


def _run(name: str) -> str:
    """Run a job: in a cluster in a fork of its worker, elsewhere in this process."""
    from downloads.jobs import cluster_state  # here: Django may not be set up when this package is imported

    def body() -> str:
        return body_of(name)()

    if not cluster_state.own_queue():
        return body()
    try:
        return call_in_fork(body, f"manage.py qcluster: {name}")
    except CallFailed as failed:
        logger.error("The job %s %s", name, failed)
        return f"error: {failed}"
