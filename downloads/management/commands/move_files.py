"""manage.py move_files --plan|--apply|--undo: existing files to where the template wants them, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.system.console import CommandReport, ReportCommand, stop_on_signal
from downloads.file_moves import rename_plan
from downloads.file_moves.rename_plan import MoveReport
from downloads.jobs.queue import request_reconcile


class Command(ReportCommand):
    help = "Move existing files to where the path template wants them; --undo brings the last move back."

    def add_arguments(self, parser: CommandParser) -> None:
        action = parser.add_mutually_exclusive_group(required=True)
        action.add_argument("--plan", action="store_true", help="say what would move, change nothing")
        action.add_argument("--apply", action="store_true", help="move the files; can be undone")
        action.add_argument("--undo", action="store_true", help="move the files of the last --apply back")
        parser.add_argument("--template", default="", help="with --plan: another template than the library's")

    def report(self, options: dict[str, Any]) -> CommandReport:
        result = rename_plan.plan(options["template"]) if options["plan"] else self._move(options["apply"])
        return CommandReport(result.as_dict(), _lines(result, planned=options["plan"]))

    def _move(self, apply: bool) -> MoveReport:
        rename_plan.ask_or_go_on("apply" if apply else "undo", database_clock.now())
        with stop_on_signal() as stop, self.progress("files") as progress:
            result = rename_plan.do_asked(database_clock.now(), stop.is_set, progress)
        request_reconcile()
        return result


def _lines(result: MoveReport, planned: bool) -> Iterator[str]:
    verb = "would move" if planned else "moved"
    yield f"{result.moved:,} files {verb}, {result.in_place:,} are in place, {result.left:,} stay where they are."
    for example in result.examples:
        yield f"  {example['from']} -> {example['to']}"
    if result.moved > len(result.examples):
        yield f"  and {result.moved - len(result.examples):,} more"
    yield from (f"  left: {problem}" for problem in result.problems)
    if not result.complete:
        yield "Stopped half-way: the same command goes on."
