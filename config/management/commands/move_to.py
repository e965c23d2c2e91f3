"""manage.py move_to DATABASE_URL: the whole installation into another database, SQLite or PostgreSQL."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from catalog.db.copy_database import CannotCopy, copy_database
from catalog.system.console import PlainCommand
from config.process import supervisor


class Command(PlainCommand):
    help = (
        "Copy everything in the database into the empty one at DATABASE_URL, compare every row, and say how to go on "
        "with it. Tonekeep must be stopped. Cut short, it can be run again. The present database stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="DATABASE_URL", help="postgres://user:password@host/name or sqlite:////file")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where the copy was not begun or not ended."""
        if not supervisor.hold_folder(settings.DATA_DIR / supervisor.RUN):
            raise CommandError("Tonekeep is running. Stop it first, then run this command again.")
        with tqdm(unit=" rows", unit_scale=True, disable=None, file=sys.stderr) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            try:
                report = copy_database(options["url"], show)
            except CannotCopy as error:
                raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
        else:
            self.stdout.write(
                f"{report.rows:,} rows of {report.tables} tables are equal in both databases. "
                "Set DATABASE_URL to the new address and start Tonekeep; keep the old database until you are sure."
            )
