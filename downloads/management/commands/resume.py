"""manage.py resume: end a pause of fetching, as the button on the status page does."""

from __future__ import annotations

from typing import Any

from catalog.db import database_clock
from catalog.models import Service
from catalog.system.console import PlainCommand
from downloads.jobs.queue import wake


class Command(PlainCommand):
    help = "End a pause of downloads now, a person's or one that a site brought about."

    def handle(self, *args: Any, **options: Any) -> None:
        """One track goes first; where the site still refuses, the pause comes again."""
        paused = Service.objects.named("audio").is_paused(database_clock.now())
        Service.objects.go_on("audio")
        wake()
        self.stdout.write("Downloads go on." if paused else "Downloads were not paused.")
