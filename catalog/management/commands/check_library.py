"""manage.py check_library: what does not fit between the catalog and the music folder."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from catalog.library.audit import KINDS, check_library
from catalog.system.console import PlainCommand

SHOWN = 10  # of each kind on the terminal


class Command(PlainCommand):
    help = "List what does not fit between the catalog and the music folder. Changes and deletes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence only where the folder could not be looked at: what is listed may be as it should."""
        with tqdm(unit=" folders", unit_scale=True, disable=None, file=sys.stderr) as bar:
            check = check_library(timezone.now(), lambda done: bar.update(done - bar.n))
        if options["json"]:
            self.stdout.write(json.dumps(check.as_dict()))
        if check.problem:
            raise CommandError(check.problem)
        if not options["json"]:
            self._tell(check.files, check.rows, check.counts, check.listed)

    def _tell(self, files: int, rows: int, counts: dict[str, int], listed: dict[str, list[Any]]) -> None:
        self.stdout.write(f"{files:,} audio files and {rows:,} songs with a file were compared.")
        for kind, words in KINDS.items():
            if counts[kind]:
                self.stdout.write(f"{counts[kind]:,} {words}:")
                for one in listed[kind][:SHOWN]:
                    self.stdout.write(f"  {_text(one)}")
        if not any(counts.values()):
            self.stdout.write("Everything fits.")


def _text(one: str | dict[str, Any]) -> str:
    if isinstance(one, str):
        return one
    if "on_disk" in one:
        return f"{one['file']}: {one['on_disk']:,} bytes, recorded are {one['recorded']:,}"
    return f"{one['file']}: {one['title']} has {one['has']}"
