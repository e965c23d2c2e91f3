"""Background jobs. django-q2 calls them by the names ``downloads.jobs.tick``, ``downloads.jobs.download`` and so on."""

from __future__ import annotations

from typing import Any

# Name in a task's or schedule's row -> function in `downloads.jobs.tasks`. Rows of earlier versions name "catch_up".
JOBS = {
    "tick": "tick",
    "heartbeat": "heartbeat",
    "download": "download",
    "handle_backlog": "handle_backlog",
    "catch_up": "handle_backlog",
    "move_files": "move_files",
    "answer_searches": "answer_searches",
    "import_uploads": "import_uploads",
}


def __getattr__(name: str) -> Any:
    """A job, imported when a worker asks for it: django-q2 looks a task's function up by its dotted name (PEP 562)."""
    if name not in JOBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from downloads.jobs import tasks  # here: whoever imports this package imports the jobs' code only when one runs

    return getattr(tasks, JOBS[name])
