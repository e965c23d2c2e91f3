"""manage.py watch: request a reconcile whenever something changed in the music folder."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import close_old_connections

from catalog.models.settings import value
from catalog.scanning.watcher import WatchOptions, watch
from catalog.system.console import PlainCommand, stop_on_signal
from downloads.jobs.queue import request_reconcile


class Command(PlainCommand):
    help = "Listen for changes in the music folder until stopped (as the settings say)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until SIGTERM or Ctrl-C. With WATCH=off it waits: a manager that runs it has nothing to restart."""
        with stop_on_signal() as stop:
            if value("WATCH") == "off":
                self.stdout.write("WATCH is off: changes are found by the regular passes.")
            watch(settings.MUSIC_DIR, _options, _request_pass, stop)


def _options() -> WatchOptions:
    close_old_connections()  # hours may lie between two changes
    mode = value("WATCH")
    return WatchOptions(mode, value("IGNORED_FOLDERS") if mode != "off" else frozenset())


def _request_pass() -> None:
    close_old_connections()
    request_reconcile()
