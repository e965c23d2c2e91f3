"""manage.py watch: ask for a reconcile whenever something changed in the music folder."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.db import close_old_connections

from catalog.library.watcher import watch
from catalog.system.console import PlainCommand
from downloads.jobs.queue import request_reconcile


class Command(PlainCommand):
    help = "Listen for changes in the music folder until stopped (WATCH=auto, poll or off)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until SIGTERM or Ctrl-C. With WATCH=off it waits: a manager that runs it has nothing to restart."""
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        if settings.WATCH == "off":
            self.stdout.write("WATCH is off: changes are found by the regular passes.")
            stop.wait()
            return
        watch(settings.MUSIC_DIR, settings.WATCH, _ask_for_a_pass, stop)


def _ask_for_a_pass() -> None:
    close_old_connections()  # hours may lie between two changes
    request_reconcile()
