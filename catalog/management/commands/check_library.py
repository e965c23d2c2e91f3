"""manage.py check_library: what does not fit between the catalog and the music folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.db import database_clock
from catalog.library.audit import KINDS, LibraryCheck, check_library, described
from catalog.system.console import CommandReport, ReportCommand

SHOWN = 10  # of each kind on the terminal


class Command(ReportCommand):
    help = "List what does not fit between the catalog and the music folder. Changes and deletes nothing."

    def report(self, options: dict[str, Any]) -> CommandReport:
        """A problem only where the folder could not be read: what is listed may be as it should."""
        with self.progress("folders") as progress:
            check = check_library(database_clock.now(), progress)
        return CommandReport(check.as_dict(), () if check.problem else _lines(check), check.problem)


def _lines(check: LibraryCheck) -> Iterator[str]:
    yield f"{check.files:,} audio files and {check.rows:,} songs with a file were compared."
    for kind, words in KINDS.items():
        if check.counts[kind]:
            yield f"{check.counts[kind]:,} {words}:"
            yield from (f"  {described(item)}" for item in check.listed[kind][:SHOWN])
    if not any(check.counts.values()):
        yield "Everything fits."
