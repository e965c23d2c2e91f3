"""manage.py work --until-empty: fetch what is missing, here and now, without a cluster."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.library.make_plan import accept_plan, make_plan
from catalog.models import Track
from catalog.models.settings import value
from catalog.reports import plan
from catalog.storage import state as storage
from catalog.system.console import PAUSED, CommandReport, ReportCommand, stop_on_signal
from catalog.text.user_error import UserError
from downloads.file_moves import library_tools
from downloads.jobs import reconcile_hooks
from downloads.worker import loop
from downloads.worker.attempt import Outcome


class Command(ReportCommand):
    help = "Download what is missing until nothing may be downloaded now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until-empty", action="store_true", help="end when nothing may be downloaded now")

    def report(self, options: dict[str, Any]) -> CommandReport:
        """Exit 0 also where tracks failed; 3 with a sentence where downloads are paused, held or storage is offline."""
        if not options["until_empty"]:
            raise UserError("`work` downloads until nothing is due: write `work --until-empty`.")
        results: Counter[str] = Counter()
        self._accept_plan()
        reason = loop.reason_not_to_work(database_clock.now())
        if not reason:
            self._work(results)
            reason = loop.reason_not_to_work(database_clock.now())
            reconcile_hooks.after_file_changes(database_clock.now())
        left = Track.objects.queue().count()
        counts = ", ".join(f"{results[result]} {result}" for result in ("downloaded", "adopted", "failed"))
        data = {"results": dict(results), "left": left, "paused": reason}
        return CommandReport(data, () if reason else [f"{counts}, {left} left."], reason, PAUSED)

    def _accept_plan(self) -> None:
        """Who runs this says yes to the plan. What is in the folder already is found first, and not fetched."""
        if plan.reason_to_wait() and storage.check(database_clock.now()).may_read:
            with self.progress("files") as progress:
                make_plan(database_clock.now(), progress, tools=library_tools.TOOLS)
            accept_plan()

    def _work(self, results: Counter[str]) -> None:
        with stop_on_signal() as stop, self.progress("tracks", Track.objects.queue().count()) as progress:

            def show(outcome: Outcome) -> None:
                results[outcome.result] += 1
                progress(results.total())
                if outcome.message and not self.json:
                    progress.write(f"{outcome.title}: {outcome.message}")

            loop.work_until_empty(should_stop=stop.is_set, workers=value("DOWNLOAD_WORKERS"), on_outcome=show)
