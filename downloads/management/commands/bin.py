"""manage.py bin: what is in the bin, and back with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from catalog.db import database_clock
from catalog.models import BinnedFile
from catalog.system.console import CommandReport, ReportCommand
from catalog.text.user_error import UserError
from downloads.file_moves.trash import process_trash_requests, take_back
from downloads.models import FormerFile

SHOWN = 50


class Command(ReportCommand):
    help = "Move what is to go to the bin, and say what is in it; with --undo everything comes back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--undo", action="store_true", help="move the files back to where they were")
        parser.add_argument("--day", default="", metavar="YYYY-MM-DD", help="with --undo: only what went on this day")

    def report(self, options: dict[str, Any]) -> CommandReport:
        if options["undo"]:
            take_back(day=_day(options["day"]))
        elif options["day"]:
            raise UserError("--day goes with --undo.")
        moves = process_trash_requests(database_clock.now())
        rows = BinnedFile.objects.filter(state=BinnedFile.State.BINNED).select_related("track").order_by("pk")
        formers = FormerFile.objects.filter(state=FormerFile.State.BINNED).select_related("track").order_by("pk")
        replaced = [{"id": row.pk, "title": row.track.title, "file": row.target} for row in formers]
        files = [{"id": row.pk, "title": row.track.title, "file": row.target, "was": row.origin} for row in rows]
        lines = () if moves.problem else _lines(moves.sentence(), rows, len(replaced))
        return CommandReport(moves.as_dict() | {"files": files, "replaced": replaced}, lines, moves.problem)


def _lines(sentence: str, rows: QuerySet[BinnedFile], replaced: int) -> Iterator[str]:
    yield f"{sentence} {rows.count():,} files are in the bin."
    yield from (f"  {row.target}: {row.track.title}" for row in rows[:SHOWN])
    if replaced:
        yield f"{replaced:,} more gave way to another recording: see the page /bin."


def _day(text: str) -> str:
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UserError(f"There is no such day as {text}; write it as 2026-03-01.") from error
