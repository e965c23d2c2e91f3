"""manage.py playlists: write the m3u8 of every collection now, or say whether they are to be written."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from catalog.library.playlist_files import write_playlists
from catalog.models import Library
from catalog.system.console import PlainCommand


class Command(PlainCommand):
    help = "Write a playlist file for each enabled collection into the folder Playlists of the music folder."

    def add_arguments(self, parser: CommandParser) -> None:
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--on", action="store_true", help="write them from now on, after every reconcile")
        switch.add_argument("--off", action="store_true", help="leave the folder alone from now on")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where nothing could be written."""
        if options["on"] or options["off"]:
            Library.load()
            Library.objects.filter(pk=1).update(write_playlists=options["on"])
        if options["off"]:
            self.stdout.write("Playlists are left alone from now on; those that are there stay as they are.")
            return
        report = write_playlists(timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        elif not report.problem:
            self.stdout.write(report.sentence())
        if report.problem:
            raise CommandError(report.sentence())
