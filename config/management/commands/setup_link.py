"""manage.py setup_link: a new one-time link that makes the first admin."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from catalog.db import database_clock
from catalog.system.command_line import command
from catalog.system.console import PlainCommand
from catalog.text.user_error import UserError
from catalog.web import setup_link
from config.process import supervisor
from config.process.addresses import own_addresses, ways_in


class Command(PlainCommand):
    help = "Print a new one-time link that makes the first admin; earlier ones become void."

    def handle(self, *args: Any, **options: Any) -> None:
        token = setup_link.offer(database_clock.now())
        if token is None:
            raise UserError(
                "There is an admin already, who invites others on the page People. A password that is forgotten: "
                f"`{command('changepassword NAME')}`."
            )
        page = supervisor.page_address(settings.BIND, settings.PORT)
        path = reverse("first_admin", args=[token])
        self.stdout.write(f"{page}{path}")
        for line in ways_in(settings.BIND, settings.PORT, settings.ALLOWED_HOSTS, own_addresses(), path):
            self.stderr.write(line)  # the link stands alone on stdout: scripts read it
