"""manage.py sync: Spotify into the catalog, then a look at the music folder, then the workers."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from catalog.library.reconcile import ReconcileReport
from catalog.spotify.sync import SyncReport, sync
from catalog.system.console import PlainCommand
from downloads.jobs.backlog import reconcile_and_wake

INCOMPLETE, PAUSED = 1, 3  # exit codes


class Command(PlainCommand):
    help = "Bring the catalog in line with Spotify, then with the music folder, and let the workers know."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
        parser.add_argument("--full", action="store_true", help="read what seems unchanged too")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 where not everything could be read, 3 where Spotify is paused, each with a sentence.

        Without a connected account there is nothing to read, which is no error: the folder is looked at all the same.
        """
        report = self._sync(options)
        looked = None if options["dry_run"] or report.busy else reconcile_and_wake(timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict() | {"reconcile": looked and looked.as_dict()}))
        else:
            self._tell(report, looked)
        if not report.complete:
            raise CommandError(report.sentence(), returncode=PAUSED if report.paused else INCOMPLETE)

    def _sync(self, options: dict[str, Any]) -> SyncReport:
        """The sync itself, with a bar on a terminal; Ctrl-C ends it between two collections."""
        stop = threading.Event()
        before = signal.signal(signal.SIGINT, lambda *_: stop.set())
        try:
            with tqdm(unit=" collections", disable=None, file=sys.stderr) as bar:

                def show(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                return sync(
                    timezone.now(),
                    options["dry_run"],
                    full=options["full"],
                    on_progress=show,
                    should_stop=stop.is_set,
                )
        finally:
            signal.signal(signal.SIGINT, before)

    def _tell(self, report: SyncReport, looked: ReconcileReport | None) -> None:
        if report.calls_before is not None:
            self.stdout.write(f"The sync before this one cost {report.calls_before:,} calls to Spotify.")
        whose = _owners(report)
        for change in report.changes:
            words = ("added", "updated", "gone", "moved", "merged")
            counts = ", ".join(f"{change[word]:,} {word}" for word in words if change[word])
            self.stdout.write(f"  {whose[change['account']]}{change['name']}: {counts}")
        for found in report.collections:
            if found["kind"] != "file":
                self.stdout.write(f"  {whose[found['account']]}{found['name']}: {found['sentence']}")
        if report.complete:
            self.stdout.write(report.sentence())
        if looked:
            self.stdout.write(looked.sentence())


def _owners(report: SyncReport) -> dict[str, str]:
    """Whose a collection is, before its name; "" where there is one account only (everybody has liked songs)."""
    names = {each.user_id: each.name for each in report.accounts}
    theirs = {found["account"] for found in report.collections if found["kind"] != "file"}
    return {key: f"{names.get(key, key)}: " if len(theirs | set(names)) > 1 else "" for key in theirs | set(names)}
