"""manage.py import_library FILE…: a library without an account."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from catalog.importers.import_files import FileReport, import_files, totals
from catalog.importers.reader import UnreadableFile, read_library_file
from catalog.models import Track
from catalog.system.console import PlainCommand
from downloads.jobs.queue import wake

SHOWN = 10  # lines that were not understood


class Command(PlainCommand):
    help = (
        "Import exported libraries: Exportify, TuneMyMusic or Soundiiz CSV, Spotify's privacy export, m3u, "
        "“Artist - Title” lines, or a zip of them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="all are read before the first is written")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """All files are read before the first is written: one that cannot be read leaves the catalog as it was."""
        try:
            read = [file for path in options["files"] for file in read_library_file(path)]
        except UnreadableFile as error:
            raise CommandError(f"{error} Nothing was imported.") from error
        first = not Track.objects.exclude(local_path="").exists()
        reports = import_files(read, timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(totals(reports)))
        else:
            for report in reports:
                self._tell(report)
            if first:
                self.stdout.write("Music that is already in the folder is used, not fetched: `python manage.py adopt`.")
        wake()

    def _tell(self, report: FileReport) -> None:
        row = report.as_dict()
        skipped = sum(row["skipped"].values())
        self.stdout.write(
            f"{report.name} ({report.kind}): {row['entries']} entries = {row['tracks']} tracks + {skipped} others;"
            f" {row['new_tracks']} new, {row['merged']} recognised, {row['duplicates']} twice."
        )
        for line in [*report.errors[:SHOWN], *report.notes]:
            self.stdout.write(f"  {line}")
        if len(report.errors) > SHOWN:
            self.stdout.write(f"  … and {len(report.errors) - SHOWN} more lines that were not understood.")
