"""manage.py backup FILE: a copy of the catalog, while everything goes on."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.db.backup import CannotBackUp, backup
from catalog.system.console import PlainCommand
from catalog.text.humanize import count, size


class Command(PlainCommand):
    help = "Write a checked copy of the catalog's database to FILE, also while tracks are fetched. Not the music."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a file that is not there yet")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where no backup was made."""
        try:
            report = backup(options["file"])
        except CannotBackUp as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            self.stdout.write(f"{report.path}: {count(report.tracks, 'song')}, {size(report.size)}, checked.")
