"""manage.py tick: what happens each minute, now."""

from __future__ import annotations

from typing import Any

from catalog.system.console import PlainCommand
from downloads.jobs.queue import request_tick


class Command(PlainCommand):
    help = "Let the running jobs look at once what is due, instead of within a minute."

    def handle(self, *args: Any, **options: Any) -> None:
        request_tick()
        self.stdout.write("The jobs look what is due.")
