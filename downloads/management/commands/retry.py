"""manage.py retry: "try again now" for failed tracks, without waiting for their time."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.models import Track
from catalog.system.console import PlainCommand
from catalog.text.humanize import count
from catalog.text.user_error import UserError
from catalog.tracks import transitions
from downloads.failures.kinds import ERROR_KINDS
from downloads.jobs.queue import wake


class Command(PlainCommand):
    help = "Put failed tracks back into the queue now: by id, by kind of error, or all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, metavar="ID", help="ids of tracks, as the admin shows them")
        parser.add_argument("--kind", choices=sorted(ERROR_KINDS), metavar="KIND", help="e.g. no_match, network")
        parser.add_argument("--all", action="store_true", help="every failed track")

    def handle(self, *args: Any, **options: Any) -> None:
        """Only missing tracks change; what is downloaded or being fetched stays as it is."""
        if not (options["ids"] or options["kind"] or options["all"]):
            raise UserError("Say which tracks: their ids, --kind KIND, or --all.")
        tracks = Track.objects.filter(pk__in=options["ids"]) if options["ids"] else Track.objects.failed()
        if options["kind"]:
            tracks = tracks.filter(error_kind=options["kind"])
        retried = transitions.retry(tracks, database_clock.now(), "asked for with the command retry")
        wake()
        self.stdout.write(f"{count(retried, 'track')} in the queue again.")
