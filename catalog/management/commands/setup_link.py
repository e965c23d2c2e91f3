"""`manage.py setup_link`: the one-time link that makes the first admin, while there is none."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse
from django.utils import timezone

from catalog import setup_link

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}  # noqa: S104  what a browser can open instead


class Command(BaseCommand):
    help = "Print the one-time link that makes the first admin; nothing where there is one."

    def handle(self, *args: Any, **options: Any) -> None:
        token = setup_link.offer(timezone.now())
        if token is None:
            return
        host = EVERYWHERE.get(settings.BIND, settings.BIND)
        address = f"{'https' if settings.HTTPS else 'http'}://{host}:{settings.PORT}"
        self.stdout.write(
            f"Nobody can log in yet. Open this link within an hour to choose a user name and a password:\n"
            f"    {address}{reverse('first_admin', args=[token])}"
        )
