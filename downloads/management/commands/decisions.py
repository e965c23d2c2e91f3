"""manage.py decisions export|import FILE: what persons decided about recordings, as a file."""

from __future__ import annotations

import json
import os
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from catalog.system.console import PlainCommand
from downloads.jobs.queue import wake
from downloads.review import decision_export

SHOWN = 20  # refused decisions on the terminal


class Command(PlainCommand):
    help = "Write the decisions about recordings into a file, or read them from one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("deed", choices=["export", "import"])
        parser.add_argument("file", metavar="FILE", help="the file; an export never overwrites one")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where the file cannot be read or written."""
        deed = self._export if options["deed"] == "export" else self._import
        try:
            report, sentences = deed(options["file"])
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
        except decision_export.NotDecisions as error:
            raise CommandError(str(error)) from error
        for line in [json.dumps(report)] if options["json"] else sentences:
            self.stdout.write(line)

    @staticmethod
    def _export(path: str) -> tuple[dict[str, Any], list[str]]:
        said = decision_export.exported()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(said, file, ensure_ascii=False, indent=1)
        count = len(said["decisions"])
        return {"written": count}, [f"{count} decision{'' if count == 1 else 's'} written to {path}."]

    @staticmethod
    def _import(path: str) -> tuple[dict[str, Any], list[str]]:
        with open(path, "rb") as file:
            entries = decision_export.read(file.read(decision_export.LARGEST + 1))
        report = decision_export.imported(entries, timezone.now(), "manage.py decisions import")
        wake()
        said = f"{report.read} decisions read: {report.made} made, {report.known} stood already,"
        said += f" {report.not_here} of songs that are not here, {report.refused_count} refused."
        return report.as_dict(), [said, *(f"  {why}" for why in report.refused[:SHOWN])]
