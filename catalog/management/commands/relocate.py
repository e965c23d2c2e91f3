"""manage.py relocate NEW_ROOT: the music folder has moved."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.library.relocate import relocate
from catalog.system.console import CommandReport, ReportCommand


class Command(ReportCommand):
    help = "Let the catalog follow the music folder to NEW_ROOT, which MUSIC_DIR must name. Touches no file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("new_root", metavar="NEW_ROOT", help="where the music folder is now")

    def report(self, options: dict[str, Any]) -> CommandReport:
        """Interrupted, it can be run again."""
        with self.progress("songs") as progress:
            move = relocate(options["new_root"], database_clock.now(), progress)
        line = f"The library is at {move.new_root} now: {move.changed:,} of {move.rows:,} paths."
        return CommandReport(move.as_dict(), [line])
