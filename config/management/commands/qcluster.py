"""manage.py qcluster [--name downloads]: django-q2's command, for clusters of this program."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog.system.console import PlainCommand
from catalog.text.user_error import UserError
from downloads.jobs import cluster
from downloads.jobs.queue import QUEUES


class Command(PlainCommand):
    requires_system_checks: tuple[str, ...] = ()  # the manager has run them, and a cluster has no use for their memory
    help = "Run the cluster of background jobs, or with --name downloads the one that downloads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("-n", "--name", choices=QUEUES, help="Its queue.")

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        if not cluster.run_cluster(name or ""):
            raise UserError("The cluster broke down: one of its own processes was killed. Start it again.")
