"""manage.py relocate NEW_ROOT: the music folder has moved."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.library.relocate import relocate
from catalog.system.console import CommandReport, ReportCommand


class Command(ReportCommand):
    help = "See that the music folder, which has moved to NEW_ROOT, is this library. MUSIC_DIR must name it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("new_root", metavar="NEW_ROOT", help="where the music folder is now")

    def report(self, options: dict[str, Any]) -> CommandReport:
        """Changes no row: what rows hold are paths below the root."""
        move = relocate(options["new_root"], database_clock.now())
        line = f"The library is at {move.new_root} now, with the paths of {move.rows:,} songs."
        return CommandReport(move.as_dict(), [line])
