"""Background jobs. django-q2 calls them by the names ``downloads.jobs.tick``, ``downloads.jobs.download`` and so on."""

from __future__ import annotations

from typing import Any

NAMED_IN_ROWS = {"tick", "heartbeat", "download", "catch_up", "move_files", "answer_searches", "import_uploads"}


def __getattr__(name: str) -> Any:
    """A job, imported when a worker asks for it: django-q2 looks a task's function up by its dotted name (PEP 562)."""
    if name not in NAMED_IN_ROWS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from downloads.jobs import tasks  # here: whoever imports this package imports the jobs' code only when one runs

    return getattr(tasks, name)
