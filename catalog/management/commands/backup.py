"""manage.py backup FILE: a copy of the catalog, while everything goes on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.db.backup import backup
from catalog.models import Run
from catalog.models.run_progress import close_run
from catalog.system.console import CommandReport, ReportCommand
from catalog.text.humanize import count, size


class Command(ReportCommand):
    help = "Write a checked copy of the catalog's database to FILE, also while songs are downloaded. Not the music."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a file that is not there yet")

    def report(self, options: dict[str, Any]) -> CommandReport:
        now = database_clock.now()
        copy = backup(options["file"])
        run = Run(kind=Run.Kind.BACKUP, started_at=now)  # no row before: it would stand in the copy as one to be made
        close_run(run, now, copy.seconds, "", {"size": copy.size, "tracks": copy.tracks, "host": settings.HOST_NAME})
        return CommandReport(
            copy.as_dict(), [f"{copy.path}: {count(copy.tracks, 'song')}, {size(copy.size)}, checked."]
        )
