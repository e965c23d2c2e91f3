"""manage.py retag --plan|--apply|--undo: the tags in files say what the catalog says, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.system.console import CommandReport, ReportCommand, stop_on_signal
from downloads.jobs import reconcile_hooks
from downloads.publishing import retag, written_tags
from downloads.publishing.retag import RetagReport


class Command(ReportCommand):
    help = "Write what the catalog says otherwise into the tags of files; a person's own words stay."

    def add_arguments(self, parser: CommandParser) -> None:
        action = parser.add_mutually_exclusive_group(required=True)
        action.add_argument("--plan", action="store_true", help="say what would be written, change nothing")
        action.add_argument("--apply", action="store_true", help="write it; can be undone")
        action.add_argument("--undo", action="store_true", help="write back what the last run found")

    def report(self, options: dict[str, Any]) -> CommandReport:
        if options["plan"]:
            result = retag.plan()
        else:
            with stop_on_signal() as stop:
                while options["apply"] and written_tags.learn(stop.is_set, written_tags.BATCH) == written_tags.BATCH:
                    pass
                run = retag.apply if options["apply"] else retag.undo
                result = run(database_clock.now(), stop.is_set)
            reconcile_hooks.after_file_changes(database_clock.now())
        return CommandReport(result.as_dict(), list(_lines(result, options["plan"])))


def _lines(result: RetagReport, planned: bool) -> Iterator[str]:
    number, verb = (result.due, "would be looked at") if planned else (result.written, "were tagged anew")
    yield f"{number:,} of {result.files:,} files {verb}, {result.kept:,} fields keep a person's words."
    for example in result.examples:
        fields = ", ".join(f"{name}: {value}" for name, value in example["fields"].items()) or "nothing"
        kept = f" (stays: {', '.join(example['kept'])})" if example["kept"] else ""
        yield f"  {example['file']} -> {fields}{kept}"
    if result.unknown:
        yield f"Of {result.unknown:,} files it is not known yet what was written into them; they are read first."
    if result.foreign:
        yield f"{result.foreign:,} files were not downloaded by Tonekeep and stay as they are."
    yield from (f"  left: {problem}" for problem in result.problems)
    if not result.complete:
        yield "Stopped half-way: the same command goes on."
