"""manage.py watch: request a reconcile whenever something changed in the music folder."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings

from catalog.models.settings import value
from catalog.scanning.watcher import WatchOptions, watch
from catalog.system import child_lifetime
from catalog.system.console import PlainCommand, stop_on_signal
from catalog.system.forked_call import call_in_fork
from downloads.jobs.queue import request_reconcile


class Command(PlainCommand):
    requires_system_checks: tuple[str, ...] = ()  # `run` has run them, and this has no use for their memory
    help = "Listen for changes in the music folder until stopped (as the settings say)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until SIGTERM or Ctrl-C. With WATCH=off it waits: a manager that runs it has nothing to restart."""
        child_lifetime.forks_die_with_their_parents()
        with stop_on_signal() as stop:
            if _options().mode == "off":
                self.stdout.write("WATCH is off: changes are found by the regular passes.")
            watch(settings.MUSIC_DIR, _options, _request_pass, stop)


def _options() -> WatchOptions:
    """Asked in a fork, as below: this process would hold what a question to the database touches, for good (6 MB)."""
    mode, *own = json.loads(call_in_fork(_read_options))
    return WatchOptions(mode, frozenset(own))


def _read_options() -> str:
    mode = value("WATCH")
    return json.dumps([mode, *(value("IGNORED_FOLDERS") if mode != "off" else ())])


def _request_pass() -> None:
    call_in_fork(_request)


def _request() -> str:
    request_reconcile()
    return ""
