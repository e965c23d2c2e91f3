"""manage.py sync: Spotify into the catalog, then a look at the music folder, then the workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.spotify.sync import SyncReport, sync
from catalog.system.console import PAUSED, CommandReport, ReportCommand, stop_on_signal
from downloads.jobs.backlog import reconcile_and_wake

INCOMPLETE = 1  # exit status


class Command(ReportCommand):
    help = "Bring the catalog in line with Spotify, then with the music folder, and let the workers know."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
        parser.add_argument("--full", action="store_true", help="read what seems unchanged too")

    def report(self, options: dict[str, Any]) -> CommandReport:
        """Exit status 1 where not everything could be read, 3 where Spotify is paused.

        Without a connected account there is nothing to read, which is no error: the folder is reconciled all the same.
        """
        synced = self._sync(options["dry_run"], options["full"])
        reconciled = None if options["dry_run"] or synced.busy else reconcile_and_wake(database_clock.now())
        data = synced.as_dict() | {"reconcile": reconciled and reconciled.as_dict()}
        lines = [*_lines(synced), *([reconciled.sentence()] if reconciled else [])]
        if synced.complete:
            return CommandReport(data, lines)
        return CommandReport(data, lines, synced.sentence(), PAUSED if synced.paused else INCOMPLETE)

    def _sync(self, dry_run: bool, full: bool) -> SyncReport:
        """The sync itself; a signal ends it between two collections."""
        with stop_on_signal() as stop, self.progress("collections") as progress:
            return sync(database_clock.now(), dry_run, full=full, on_progress=progress, should_stop=stop.is_set)


def _lines(report: SyncReport) -> Iterator[str]:
    if report.calls_before is not None:
        yield f"The sync before this one cost {report.calls_before:,} calls to Spotify."
    prefixes = _owner_prefixes(report)
    for change in report.changes:
        words = ("added", "updated", "gone", "moved", "merged")
        counts = ", ".join(f"{change[word]:,} {word}" for word in words if change[word])
        yield f"  {prefixes[change['account']]}{change['name']}: {counts}"
    for collection in report.collections:
        if collection["kind"] != "file":
            yield f"  {prefixes[collection['account']]}{collection['name']}: {collection['sentence']}"
    if report.complete:
        yield report.sentence()


def _owner_prefixes(report: SyncReport) -> dict[str, str]:
    """Account id -> "name: ", or "" where there is one account only: everybody has liked songs."""
    names = {account.user_id: account.name for account in report.accounts}
    ids = {collection["account"] for collection in report.collections if collection["kind"] != "file"} | set(names)
    return {key: f"{names.get(key, key)}: " if len(ids) > 1 else "" for key in ids}
