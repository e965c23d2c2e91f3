"""manage.py adopt [DIR]: use the music that is already there."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from catalog.library.adopt import CannotAdopt, adopt
from catalog.system.console import PlainCommand

SHOWN = 20  # doubtful files on the terminal


class Command(PlainCommand):
    help = "Files already in the music folder become their tracks' files, so that they are not fetched."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "directory", nargs="?", metavar="DIR", help="a folder in the music folder; default all of it"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be adopted, change nothing")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where the storage is not online."""
        with tqdm(unit="file", disable=None, file=sys.stderr) as bar:
            try:
                report = adopt(
                    options["directory"],
                    timezone.now(),
                    dry_run=options["dry_run"],
                    on_progress=lambda files: bar.update(files - bar.n),
                )
            except CannotAdopt as error:
                raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
            return
        would = "would be adopted" if options["dry_run"] else "adopted"
        self.stdout.write(
            f"{report.files} audio files: {report.adopted} {would}, {report.known} known already,"
            f" {report.doubts} doubtful, {report.strangers} of no missing track, {report.unreadable} unreadable."
        )
        for row in report.doubtful[:SHOWN]:
            self.stdout.write(f"  {row['file']}: {row['title']}? {row['why']}")
        if report.doubts and not options["dry_run"]:
            self.stdout.write("Say yes or no to the doubtful ones on the page /adopt.")
