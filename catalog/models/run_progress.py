"""How far a run is and how it ended: one way for sync, reconcile, imports and every other job that keeps a `Run`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from catalog.models.runs import Run

WRITE_EVERY = 2.0  # seconds between two writes of one run's progress
RUNS_KEPT = 500  # of each kind

Progress = Callable[[int, int], None]


class RunProgress:
    """Reports (done, total) to ``on_progress`` each time, and to the run's row every `WRITE_EVERY`.

    ``run`` None: only the listener is told, as in a dry run.
    """

    def __init__(self, run: Run | None, on_progress: Progress | None = None) -> None:
        self.run, self.on_progress = run, on_progress
        self.written_at = time.monotonic()

    def update(self, done: int, total: int, at_once: bool = False, **report: Any) -> None:
        """``at_once`` writes the row however recent the last write is; ``report`` goes into the run's report."""
        if self.on_progress:
            self.on_progress(done, total)
        if self.run is None:
            return
        self.run.done, self.run.total = done, total
        if at_once or time.monotonic() - self.written_at >= WRITE_EVERY:
            self.run.report |= report
            self.run.save(update_fields=["done", "total", "report"])
            self.written_at = time.monotonic()

    def advance(self, count: int) -> None:
        """``count`` more are done, of a total that the run has already."""
        if self.run:
            self.update(self.run.done + count, self.run.total)


def close_run(
    run: Run, now: datetime, seconds: float, problem: str, report: dict[str, Any], kept: int = RUNS_KEPT
) -> None:
    """Write the end of a run that began at ``now`` and took ``seconds``, and delete the old runs of its kind.

    ``problem`` is a sentence, "" for a run that did all it should. The caller has set ``done`` and ``total``.
    """
    run.ended_at, run.ok, run.problem = now + timedelta(seconds=seconds), not problem, problem
    run.report = report
    run.save()
    latest = max(now, run.started_at)  # this one counts, also where the clock was set back since it was requested
    requested = Q(kind=Run.Kind.IMPORT, ended_at=None)  # still to be done; of other kinds: killed
    Run.objects.filter(kind=run.kind).exclude(requested).forget_all_but(kept, latest)
