"""manage.py reconcile: look at the music folder, and let the workers know."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone
from tqdm import tqdm

from catalog.library.reconcile import ReconcileReport, reconcile
from catalog.library.relink import RelinkReport, relink
from catalog.models import Folder
from catalog.storage import state as storage
from catalog.storage.probe import RootProblem
from catalog.system.console import PlainCommand
from downloads.jobs import reconcile_hooks
from downloads.jobs.queue import wake


class Command(PlainCommand):
    help = "Bring the catalog in line with the music folder. Changes no file."
    requires_system_checks: list[str] = []  # type: ignore[assignment]  # they load every page: 15 MB, 0.2 s

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="*", metavar="FOLDER", help="only these folders of the music folder")
        parser.add_argument("--full", action="store_true", help="list every folder, also those that look unchanged")
        parser.add_argument("--sizes", action="store_true", help="compare the files' sizes too (a full pass)")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
        parser.add_argument("--collection", default="", metavar="NAME", help="only the folders of this collection")
        parser.add_argument(
            "--accept-root", action="store_true", help="the folder at MUSIC_DIR is the library from now"
        )
        parser.add_argument("--accept-missing", action="store_true", help="fetch files again that are gone")
        parser.add_argument("--relink", action="store_true", help="look for renamed files among those nobody knows")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where the pass could not be made or did not reach its end."""
        if options["accept_root"] and options["dry_run"]:
            raise CommandError("--accept-root changes the catalog; leave out --dry-run.")
        options["paths"] = [_known_folder(path) for path in options["paths"]]
        try:
            if options["accept_root"]:
                storage.accept_root(timezone.now())
            if not options["dry_run"]:
                reconcile_hooks.before_pass(timezone.now())
            report = self._pass(options)
            found = relink(timezone.now(), options["dry_run"]) if options["relink"] and report.complete else None
        except (RootProblem, ValueError) as error:
            raise CommandError(str(error)) from error
        if not options["dry_run"]:
            if report.complete:
                reconcile_hooks.after_pass(timezone.now())
            wake()
            reconcile_hooks.after_file_changes(timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict() | ({"relink": found.as_dict()} if found else {})))
        elif report.complete:
            self._tell(report)
            self._tell_found(found)
        if not report.complete:
            raise CommandError(report.sentence())

    def _pass(self, options: dict[str, Any]) -> ReconcileReport:
        """The pass itself, with a bar on a terminal; Ctrl-C ends it between two batches."""
        stop = threading.Event()
        before = signal.signal(signal.SIGINT, lambda *_: stop.set())
        try:
            with tqdm(unit=" folders", unit_scale=True, disable=None, file=sys.stderr) as bar:

                def show(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                return reconcile(
                    timezone.now(),
                    full=options["full"],
                    sizes=options["sizes"],
                    dry_run=options["dry_run"],
                    on_progress=show,
                    collection=options["collection"],
                    paths=options["paths"] or None,
                    accept_missing=options["accept_missing"],
                    should_stop=stop.is_set,
                )
        finally:
            signal.signal(signal.SIGINT, before)

    def _tell(self, report: ReconcileReport) -> None:
        self.stdout.write(report.sentence())
        for words, examples, count in (
            ("missing", report.vanished_examples, report.vanished),
            ("another size", report.other_size_examples, report.other_size),
            ("not read", report.unknown_examples, report.unknown),
        ):
            for example in examples:
                self.stdout.write(f"  {words}: {example}")
            if count > len(examples):
                self.stdout.write(f"  … and {count - len(examples):,} more")

    def _tell_found(self, found: RelinkReport | None) -> None:
        if found:
            self.stdout.write(found.sentence())
            for example in found.examples:
                self.stdout.write(f"  found: {example}")


def _known_folder(path: str) -> str:
    """The folder as the catalog names it, relative to the music folder; CommandError where it knows no such one."""
    relative = os.path.relpath(path, settings.MUSIC_DIR) if os.path.isabs(path) else os.path.normpath(path)
    if relative == ".":
        return ""
    if not Folder.objects.filter(Q(path=relative) | Q(path__startswith=f"{relative}/")).exists():
        raise CommandError(f"The catalog has no file in {path}; name a folder of {settings.MUSIC_DIR} that it knows.")
    return relative
