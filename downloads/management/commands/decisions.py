"""manage.py decisions export|import FILE: what persons decided about recordings, as a file."""

from __future__ import annotations

import json
import os
from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.system.console import CommandReport, ReportCommand
from catalog.text.humanize import count
from catalog.text.user_error import UserError
from downloads.jobs.queue import wake
from downloads.review import decision_export

SHOWN = 20  # refused decisions on the terminal


class Command(ReportCommand):
    help = "Write the decisions about recordings into a file, or read them from one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("direction", choices=["export", "import"])
        parser.add_argument("file", metavar="FILE", help="the file; an export never overwrites one")

    def report(self, options: dict[str, Any]) -> CommandReport:
        transfer = _export if options["direction"] == "export" else _import
        try:
            return transfer(options["file"])
        except OSError as error:
            raise UserError(f"{options['file']}: {error.strerror}.") from error


def _export(path: str) -> CommandReport:
    content = decision_export.exported()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
    written = len(content["decisions"])
    return CommandReport({"written": written}, [f"{count(written, 'decision')} written to {path}."])


def _import(path: str) -> CommandReport:
    with open(path, "rb") as file:
        entries = decision_export.read(file.read(decision_export.LARGEST + 1))
    result = decision_export.imported(entries, database_clock.now(), "the command decisions import")
    wake()
    line = f"{result.read} decisions read: {result.made} made, {result.known} stood already,"
    line += f" {result.not_here} of songs that are not here, {result.refused_count} refused."
    return CommandReport(result.as_dict(), [line, *(f"  {reason}" for reason in result.refused[:SHOWN])])
