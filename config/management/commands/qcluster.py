"""manage.py qcluster [--name downloads]: django-q2's command, for clusters of this program."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import CommandParser

from catalog.system.console import PlainCommand
from catalog.text.user_error import UserError
from downloads.jobs import cluster
from downloads.jobs.queue import QUEUES, queue_key


class Command(PlainCommand):
    help = "Run the cluster of background jobs, or with --name downloads the one that fetches."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("-n", "--name", choices=QUEUES, help="Its queue.")

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        if name and name != cluster.served_queue():
            # django-q2 reads its name once, when it is imported: start over with the name in the environment.
            os.environ["Q_CLUSTER_NAME"] = queue_key(name)
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
        if not cluster.run_cluster():
            raise UserError("The cluster broke down: one of its own processes was killed. Start it again.")
