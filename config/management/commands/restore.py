"""manage.py restore FILE: a backup in the place of the present catalog."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.db.restore import restore
from catalog.system.console import CommandReport, ReportCommand
from catalog.text.humanize import count
from config.process import supervisor


class Command(ReportCommand):
    help = (
        "Put the backup FILE in the place of the present catalog, which is kept as a file in DATA_DIR. "
        "Tonekeep must be stopped. The music is not touched; the next look at the folder brings both together."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="what the command `backup` or the page Maintenance wrote")

    def report(self, options: dict[str, Any]) -> CommandReport:
        supervisor.require_stopped(settings.DATA_DIR / supervisor.RUN)
        result = restore(options["file"], database_clock.now())
        lines = [f"The catalog is that of {result.path} now: {count(result.tracks, 'song')}."]
        lines += [f"The one of before is kept: {result.kept}."] if result.kept else []
        return CommandReport(asdict(result), lines)
