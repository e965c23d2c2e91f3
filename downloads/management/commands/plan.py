"""manage.py plan: what is here already, what would be fetched, and the yes to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.library.make_plan import accept_plan, make_plan
from catalog.reports.plan import Plan
from catalog.storage import state as storage
from catalog.system.command_line import command
from catalog.system.console import PAUSED, CommandReport, ReportCommand
from catalog.text.humanize import count
from catalog.text.user_error import UserError
from downloads.file_moves import library_tools
from downloads.jobs.queue import wake
from downloads.search.estimate import estimate


class Command(ReportCommand):
    help = "Look through the music folder for songs that are here already, and say what would be downloaded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--accept", action="store_true", help="say yes: what is missing is downloaded from now on")

    def report(self, options: dict[str, Any]) -> CommandReport:
        """Exit status 3 with a sentence where the music folder is offline."""
        state = storage.check(database_clock.now())
        if not state.may_read:
            raise UserError(state.reason, PAUSED)
        with self.progress("files") as progress:
            plan = make_plan(database_clock.now(), progress, tools=library_tools.TOOLS)
        data = {**plan.as_dict(), "accepted": plan.accepted or options["accept"]}
        if options["accept"]:
            accept_plan(plan.up_to)
            wake()
        return CommandReport(data, _lines(plan, data["accepted"]))


def _lines(plan: Plan, accepted: bool) -> Iterator[str]:
    spare = estimate(plan.fetch, plan.milliseconds)
    yield (
        f"{count(plan.songs, 'song')}: {plan.here:,} here already, {plan.ask:,} to look at, {plan.fetch:,} to download"
        + (f", {spare}." if plan.fetch else ".")
    )
    yield f"{count(plan.others, 'other file')} left alone. No file was changed."
    if plan.ask:
        yield "Answer what is to be looked at on the page /plan; nothing is downloaded for these songs meanwhile."
    yield (
        "Accepted: what is missing is downloaded."
        if accepted
        else f"Nothing is downloaded before you press Start on the page /plan, or run `{command('plan --accept')}`."
    )
