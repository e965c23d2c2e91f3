"""manage.py work --until-empty: fetch what is missing, here and now, without a cluster."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from catalog.models import Track
from catalog.system.console import PlainCommand
from catalog.text.sanitize import escaped
from downloads.jobs import reconcile_hooks
from downloads.worker import loop
from downloads.worker.attempt import Outcome

PAUSED = 3  # exit status where nothing may be fetched


class Command(PlainCommand):
    help = "Fetch what is missing until nothing may be fetched now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until-empty", action="store_true", help="end when nothing may be fetched now")
        parser.add_argument("--json", action="store_true", help="one line of JSON, last on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 also where tracks failed; 3 with a sentence where fetching is paused, held or storage is offline."""
        if not options["until_empty"]:
            raise CommandError("`work` fetches until nothing is due: write `work --until-empty`.")
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        reason = loop.reason_not_to_work(timezone.now())
        results: Counter[str] = Counter()
        if not reason:
            self._work(stop, results, show=not options["json"])
            reason = loop.reason_not_to_work(timezone.now())
            reconcile_hooks.after_file_changes(timezone.now())
        left = Track.objects.queue().count()
        if options["json"]:
            self.stdout.write(json.dumps({"results": dict(results), "left": left, "paused": reason}))
        elif not reason:
            self.stdout.write(
                f"{results['downloaded']} downloaded, {results['adopted']} adopted,"
                f" {results['failed']} failed, {left} left."
            )
        if reason:
            self.stderr.write(reason)
            sys.exit(PAUSED)

    def _work(self, stop: threading.Event, results: Counter[str], show: bool) -> None:
        bar = tqdm(total=Track.objects.queue().count(), unit="track", disable=None if show else True)

        def tell(outcome: Outcome) -> None:
            results[outcome.result] += 1
            bar.update()
            if show and outcome.message:
                bar.write(escaped(f"{outcome.title}: {outcome.message}"), file=sys.stdout)

        with bar:
            loop.work_until_empty(should_stop=stop.is_set, workers=settings.DOWNLOAD_WORKERS, on_outcome=tell)
