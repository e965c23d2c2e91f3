"""manage.py move_to DATABASE_URL: the whole installation into another database, SQLite or PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from catalog.db.copy_database import copy_database
from catalog.system.console import CommandReport, ReportCommand
from config.process import supervisor


class Command(ReportCommand):
    help = (
        "Copy everything in the database into the empty one at DATABASE_URL, compare every row, and say how to go on "
        "with it. Tonekeep must be stopped. Cut short, it can be run again. The present database stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="DATABASE_URL", help="postgres://user:password@host/name or sqlite:////file")

    def report(self, options: dict[str, Any]) -> CommandReport:
        """Exit 1 with a sentence where the copy was not begun or not ended."""
        supervisor.require_stopped(settings.DATA_DIR / supervisor.RUN)
        with self.progress("rows") as progress:
            copy = copy_database(options["url"], progress)
        sentence = (
            f"{copy.rows:,} rows of {copy.tables} tables are equal in both databases. "
            "Set DATABASE_URL to the new address and start Tonekeep; keep the old database until you are sure."
        )
        return CommandReport(asdict(copy), [sentence])
