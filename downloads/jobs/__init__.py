"""Background jobs. Rows of django-q2 name them ``downloads.jobs.<name>``, whichever module holds the function.

Each job lives in a module that imports what it needs, and is imported where it runs: most processes never need the
memory of what talks to Spotify (13 MB) or reads exports (30 MB).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

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
    return getattr(import_module(f"{__name__}.{JOBS[name]}"), RENAMED.get(name, name))
