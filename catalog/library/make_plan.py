"""Make the plan of a library: look through the music folder for songs that are here already; then accept it.

The files are used where they lie: rows are written, no file is moved, renamed or changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from catalog.library import adopt
from catalog.library.audio_tools import NO_TOOLS, AudioTools
from catalog.models import Library, Run, Track
from catalog.models.run_progress import RunProgress, close_run
from catalog.reports import plan
from catalog.storage import acting_host
from catalog.text.user_error import UserError


class Stopped(Exception):
    """Somebody asked the look to stop."""


def make_plan(
    now: datetime,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    tools: AudioTools = NO_TOOLS,
) -> plan.Plan:
    """Look through the folder (`catalog.library.adopt`), as a run with progress; the plan as it is then.

    Raises UserError where the folder cannot be read, or another process looks through it now.
    """
    with acting_host.try_act("plan") as mine:
        if not mine:
            busy = "The music folder is being looked through already; ask again when that has ended."
            raise UserError(acting_host.reason_not_to_act(busy))
        _look(now, on_progress, acting_host.or_lost(should_stop), tools)
    return plan.plan()


def _look(
    now: datetime,
    on_progress: Callable[[int, int], None] | None,
    should_stop: Callable[[], bool],
    tools: AudioTools,
) -> None:
    began, report, problem = time.monotonic(), adopt.AdoptReport(), "It was cut short."
    up_to = Track.objects.last_id()
    run = Run.objects.create(kind=Run.Kind.ADOPT, started_at=now)
    progress = RunProgress(run, on_progress)

    def look_on(files: int) -> None:
        progress.update(files, 0)
        if should_stop():
            raise Stopped

    try:
        report = adopt.adopt(None, now, on_progress=look_on, tools=tools)
        adopt.hold_questions(now)  # the accepted plan fetches nothing for a song that is asked about
        problem = ""
    except Stopped:
        problem = "Stopped before its end; it begins again by itself."
    except UserError as error:
        problem = str(error)
        raise
    finally:
        run.done = run.total = report.files
        sums: dict[str, Any] = {
            "up_to": up_to,
            "others": report.strangers + report.rejected + report.unreadable,
            "files": report.files,
            "other_files": report.others,
        }
        close_run(run, now, time.monotonic() - began, problem, sums)


def accept_plan(up_to: int | None = None) -> bool:
    """A person, or a script, says yes to the plan of the songs up to this id, or of all. False: it was accepted."""
    library = Library.load()
    last = Track.objects.last_id()
    last = min(last, up_to) if up_to is not None else last
    waited = Library.objects.filter(pk=1, accepted_up_to=None).update(accepted_up_to=last)
    return bool(waited or Library.objects.filter(pk=library.pk, accepted_up_to__lt=last).update(accepted_up_to=last))


def accept_bin() -> None:
    """A person says yes to the files that wait to go to the bin; the next pass moves them."""
    Library.load()
    Library.objects.filter(pk=1).update(bin_accepted=True)


def accept_what_is_small() -> None:
    """After a pass: songs that may be fetched unasked are no longer new. A plan that waits goes on waiting."""
    last = Track.objects.last_id()
    if last and not plan.reason_to_wait():
        # Songs that came since the first line are still new: their number is looked at by the next pass.
        Library.objects.filter(pk=1).exclude(accepted_up_to__gte=last).update(accepted_up_to=last)
