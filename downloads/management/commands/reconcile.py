"""manage.py reconcile: look at the music folder, and let the workers know."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db.models import Q

from catalog.db import database_clock
from catalog.library.reconcile import ReconcileReport, reconcile
from catalog.library.relink import RelinkReport, relink
from catalog.models import Folder
from catalog.storage import state as storage
from catalog.system.console import CommandReport, ReportCommand, stop_on_signal
from catalog.text.user_error import UserError
from downloads.file_moves import library_tools
from downloads.jobs import reconcile_hooks
from downloads.jobs.queue import wake


class Command(ReportCommand):
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
        parser.add_argument("--accept-missing", action="store_true", help="download files again that are gone")
        parser.add_argument("--relink", action="store_true", help="look for renamed files among those nobody knows")

    def report(self, options: dict[str, Any]) -> CommandReport:
        """A problem where the pass could not be made or did not reach its end."""
        if options["accept_root"] and options["dry_run"]:
            raise UserError("--accept-root changes the catalog; leave out --dry-run.")
        options["paths"] = [_catalog_folder(path) for path in options["paths"]]
        if options["accept_root"]:
            storage.accept_root(database_clock.now())
        result, relinked = self._dry_run(options) if options["dry_run"] else self._run(options)
        data = result.as_dict() | ({"relink": relinked.as_dict()} if relinked else {})
        if not result.complete:
            return CommandReport(data, problem=result.sentence())
        return CommandReport(data, [*_lines(result), *_relink_lines(relinked)])

    def _run(self, options: dict[str, Any]) -> tuple[ReconcileReport, RelinkReport | None]:
        reconcile_hooks.before_pass(database_clock.now())
        result, relinked = self._dry_run(options)
        if result.complete:
            reconcile_hooks.after_pass(database_clock.now(), result)
        wake()
        reconcile_hooks.after_file_changes(database_clock.now())
        return result, relinked

    def _dry_run(self, options: dict[str, Any]) -> tuple[ReconcileReport, RelinkReport | None]:
        """The pass alone. A signal ends it between two batches."""
        with stop_on_signal() as stop, self.progress("folders") as progress:
            result = reconcile(
                database_clock.now(),
                full=options["full"],
                sizes=options["sizes"],
                dry_run=options["dry_run"],
                on_progress=progress,
                collection=options["collection"],
                paths=options["paths"] or None,
                accept_missing=options["accept_missing"],
                should_stop=stop.is_set,
                tools=library_tools.TOOLS,
            )
        if not (options["relink"] and result.complete):
            return result, None
        return result, relink(database_clock.now(), options["dry_run"], tools=library_tools.TOOLS)


def _lines(result: ReconcileReport) -> Iterator[str]:
    yield result.sentence()
    for words, examples, count in (
        ("missing", result.vanished_examples, result.vanished),
        ("found elsewhere", result.found_examples, result.found),
        ("another size", result.other_size_examples, result.other_size),
        ("not read", result.unknown_examples, result.unknown),
    ):
        yield from (f"  {words}: {example}" for example in examples)
        if count > len(examples):
            yield f"  … and {count - len(examples):,} more"


def _relink_lines(result: RelinkReport | None) -> Iterator[str]:
    if result:
        yield result.sentence()
        yield from (f"  found: {example}" for example in result.examples)


def _catalog_folder(path: str) -> str:
    """The folder as the catalog names it, relative to the music folder. Raises UserError where it knows no such one."""
    relative = os.path.relpath(path, settings.MUSIC_DIR) if os.path.isabs(path) else os.path.normpath(path)
    if relative == ".":
        return ""
    if not Folder.objects.filter(Q(path=relative) | Q(path__startswith=f"{relative}/")).exists():
        raise UserError(f"The catalog has no file in {path}; name a folder of {settings.MUSIC_DIR} that it knows.")
    return relative
