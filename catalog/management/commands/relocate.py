"""manage.py relocate NEW_ROOT: the music folder has moved."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from catalog.library.relocate import CannotRelocate, relocate
from catalog.system.console import PlainCommand


class Command(PlainCommand):
    help = "Let the catalog follow the music folder to NEW_ROOT, which MUSIC_DIR must name. Touches no file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("new_root", metavar="NEW_ROOT", help="where the music folder is now")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where the folder is not this library. Cut short, it can be run again."""
        with tqdm(unit=" songs", unit_scale=True, disable=None, file=sys.stderr) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            try:
                report = relocate(options["new_root"], timezone.now(), show)
            except CannotRelocate as error:
                raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            self.stdout.write(f"The library is at {report.new_root} now: {report.changed:,} of {report.rows:,} paths.")
