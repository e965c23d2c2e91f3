"""manage.py move_files --plan|--apply|--undo: existing files to where the template wants them, and back."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from catalog.music.path_template import TemplateError
from catalog.system.console import PlainCommand
from downloads.file_moves import rename_plan
from downloads.file_moves.rename_plan import CannotMove, MoveReport
from downloads.jobs import queue

PAUSED = 3  # exit status where nothing can be moved now


class Command(PlainCommand):
    help = "Move existing files to where the path template wants them; --undo brings the last move back."

    def add_arguments(self, parser: CommandParser) -> None:
        deed = parser.add_mutually_exclusive_group(required=True)
        deed.add_argument("--plan", action="store_true", help="say what would move, change nothing")
        deed.add_argument("--apply", action="store_true", help="move the files; can be undone")
        deed.add_argument("--undo", action="store_true", help="move the files of the last --apply back")
        parser.add_argument("--template", default="", help="with --plan: another template than the library's")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 3 with a sentence where nothing can be moved now; 1 for a template that cannot be used."""
        try:
            report = rename_plan.plan(options["template"]) if options["plan"] else self._move(options)
        except TemplateError as error:
            raise CommandError(str(error)) from error
        except CannotMove as error:
            self.stderr.write(str(error))
            sys.exit(PAUSED)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            self._tell(report, planned=options["plan"])

    @staticmethod
    def _move(options: dict[str, Any]) -> MoveReport:
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        rename_plan.ask_or_go_on("apply" if options["apply"] else "undo", timezone.now())
        with tqdm(unit="file", disable=True if options["json"] else None, file=sys.stderr) as bar:
            report = rename_plan.do_asked(timezone.now(), stop.is_set, lambda files: bar.update(files - bar.n))
        queue.request_reconcile()
        return report

    def _tell(self, report: MoveReport, planned: bool) -> None:
        verb = "would move" if planned else "moved"
        self.stdout.write(
            f"{report.moved:,} files {verb}, {report.in_place:,} are in place, {report.left:,} stay where they are."
        )
        for example in report.examples:
            self.stdout.write(f"  {example['from']} -> {example['to']}")
        if report.moved > len(report.examples):
            self.stdout.write(f"  and {report.moved - len(report.examples):,} more")
        for problem in report.problems:
            self.stdout.write(f"  left: {problem}")
        if not report.complete:
            self.stdout.write("Stopped half-way: the same command goes on.")
