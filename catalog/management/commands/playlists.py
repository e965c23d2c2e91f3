"""manage.py playlists: write the m3u8 of every collection now, or say whether they are to be written."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.library.playlist_files import write_playlists
from catalog.models import Library
from catalog.system.console import CommandReport, ReportCommand

OFF = "Playlists are left alone from now on; those that are there stay as they are."


class Command(ReportCommand):
    help = "Write a playlist file for each enabled collection into the folder Playlists of the music folder."

    def add_arguments(self, parser: CommandParser) -> None:
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--on", action="store_true", help="write them from now on, after every reconcile")
        switch.add_argument("--off", action="store_true", help="leave the folder alone from now on")

    def report(self, options: dict[str, Any]) -> CommandReport:
        if options["on"] or options["off"]:
            Library.load()
            Library.objects.filter(pk=1).update(write_playlists=options["on"])
        if options["off"]:
            return CommandReport({"write_playlists": False}, [OFF])
        written = write_playlists(database_clock.now())
        problem = written.sentence() if written.problem else ""
        return CommandReport(written.as_dict(), () if problem else [written.sentence()], problem)
