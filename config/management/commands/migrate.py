"""manage.py migrate: Django's command under a lock."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from catalog.system.file_locks import lock


class Command(migrate.Command):
    """Django's command, one at a time: two that start together would both find the same migration unapplied."""

    def handle(self, *args: Any, **options: Any) -> None:
        with lock("migrate"):
            super().handle(*args, **options)
