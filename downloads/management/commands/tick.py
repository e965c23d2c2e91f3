from __future__ import annotations

from typing import Any

from catalog.system.console import PlainCommand
from downloads.jobs import queue


class Command(PlainCommand):
    """What happens each minute, now: for people who have just repaired something, and for tests."""

    help = "Let the running jobs look at once what is due, instead of within a minute."

    def handle(self, *args: Any, **options: Any) -> None:
        queue.request_tick()
        self.stdout.write("The jobs look what is due.")
