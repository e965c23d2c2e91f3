"""manage.py adopt [DIR]: use the music that is already there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.library.adopt import AdoptReport, adopt
from catalog.system.console import CommandReport, ReportCommand
from downloads.file_moves.library_tools import TOOLS

SHOWN = 20  # doubtful files on the terminal


class Command(ReportCommand):
    help = "Files already in the music folder become their tracks' files, so that they are not downloaded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "directory", nargs="?", metavar="DIR", help="a folder in the music folder; default all of it"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be adopted, change nothing")

    def report(self, options: dict[str, Any]) -> CommandReport:
        dry_run = options["dry_run"]
        with self.progress("files") as progress:
            result = adopt(options["directory"], database_clock.now(), dry_run, progress, TOOLS)
        return CommandReport(result.as_dict(), _lines(result, dry_run))


def _lines(result: AdoptReport, dry_run: bool) -> Iterator[str]:
    yield (
        f"{result.files} audio files: {result.adopted} {'would be adopted' if dry_run else 'adopted'},"
        f" {result.known} known already, {result.doubts} to answer, {result.strangers} of no missing track,"
        f" {result.unreadable} unreadable."
    )
    for row in result.doubtful[:SHOWN]:
        yield f"  {row['file']}: {row['title']}? {row['why']}"
    if result.doubts and not dry_run:
        yield "Say yes or no to those to answer on the page /adopt."
