"""manage.py import_library FILE…: a library without an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.importers.formats.streaming_history import MOST, most_played
from catalog.importers.import_files import FileReport, import_files, totals, with_albums
from catalog.importers.parsed_file import UnreadableFile
from catalog.importers.read_process import read_in_process
from catalog.models import Track
from catalog.system.command_line import command
from catalog.system.console import CommandReport, ReportCommand
from catalog.text.user_error import UserError
from downloads.jobs.queue import wake

SHOWN = 10  # lines that were not understood
ADOPT = "Music that is already in the folder is used, not downloaded: `{}` looks for it now."


class Command(ReportCommand):
    requires_system_checks: list[str] = []  # type: ignore[assignment]  # they load every page: 30 MB, 0.3 s
    help = (
        "Import exported libraries: Exportify, TuneMyMusic or Soundiiz CSV, Spotify's privacy export and streaming "
        "history, spotDL, spotify-backup and iTunes files, m3u, PLS, XSPF, “Artist - Title” lines, or a zip of them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="all are read before the first is written")

        parser.add_argument(
            "--most",
            type=int,
            default=MOST,
            metavar="N",
            help=f"songs of a streaming history: the N most played ({MOST})",
        )

        parser.add_argument(
            "--albums",
            action="store_true",
            help="also albums that a file names by their Spotify ids; the sync has their songs",
        )

    def report(self, options: dict[str, Any]) -> CommandReport:
        """All files are read before the first is written: one that cannot be read leaves the catalog as it was."""
        try:
            read = [file for path in options["files"] for file in read_in_process([(path, "")])]
            files = [most_played(with_albums(file) if options["albums"] else file, options["most"]) for file in read]
        except UnreadableFile as error:
            raise UserError(f"{error} Nothing was imported.") from error
        first = not Track.objects.exclude(local_path="").exists()
        reports = import_files([most_played(file, options["most"]) for file in files], database_clock.now())
        wake()
        lines = [line for report in reports for line in _lines(report)]
        return CommandReport(totals(reports), [*lines, ADOPT.format(command("adopt"))] if first else lines)


def _lines(report: FileReport) -> Iterator[str]:
    row = report.as_dict()
    skipped = sum(row["skipped"].values())
    yield (
        f"{report.name} ({report.kind}): {row['entries']} entries = {row['tracks']} tracks + {skipped} others;"
        f" {row['new_tracks']} new, {row['merged']} recognised, {row['duplicates']} twice."
    )
    yield from (f"  {line}" for line in [*report.errors[:SHOWN], *report.notes])
    if len(report.errors) > SHOWN:
        yield f"  … and {len(report.errors) - SHOWN} more lines that were not understood."
