"""manage.py bin: what is in the bin, and back with it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from catalog.models import BinnedFile
from catalog.system.console import PlainCommand
from downloads.file_moves.trash import process_trash_requests, take_back
from downloads.models import FormerFile

SHOWN = 50


class Command(PlainCommand):
    help = "Move what is to go to the bin, and say what is in it; with --undo everything comes back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--undo", action="store_true", help="move the files back to where they were")
        parser.add_argument("--day", default="", metavar="YYYY-MM-DD", help="with --undo: only what went on this day")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where no file can be moved now."""
        if options["undo"]:
            take_back(day=_day(options["day"]))
        elif options["day"]:
            raise CommandError("--day goes with --undo.")
        report = process_trash_requests(timezone.now())
        rows = BinnedFile.objects.filter(state=BinnedFile.State.BINNED).select_related("track").order_by("pk")
        formers = FormerFile.objects.filter(state=FormerFile.State.BINNED).select_related("track").order_by("pk")
        if options["json"]:
            replaced = [{"id": row.pk, "title": row.track.title, "file": row.target} for row in formers]
            files = [{"id": row.pk, "title": row.track.title, "file": row.target, "was": row.origin} for row in rows]
            self.stdout.write(json.dumps(report.as_dict() | {"files": files, "replaced": replaced}))
        elif not report.problem:
            self.stdout.write(f"{report.sentence()} {rows.count():,} files are in the bin.")
            for row in rows[:SHOWN]:
                self.stdout.write(f"  {row.target}: {row.track.title}")
            if formers.exists():
                self.stdout.write(f"{formers.count():,} more gave way to another recording: see the page /bin.")
        if report.problem:
            raise CommandError(report.problem)


def _day(text: str) -> str:
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise CommandError(f"There is no such day as {text}; write it as 2026-03-01.") from error
