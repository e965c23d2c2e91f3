"""manage.py run: migrate, print the address of the page, then be the process manager until Ctrl-C."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.urls import reverse

from catalog.db import database_clock
from catalog.spotify.reseal import reseal_secrets
from catalog.storage import machine
from catalog.system.console import PlainCommand
from catalog.text.user_error import UserError
from catalog.web import setup_link
from config.process import supervisor
from config.process.addresses import own_addresses, ways_in
from downloads.models import Channel, Player


class Command(PlainCommand):
    help = "Start the web page, the background jobs and the watcher, and keep them running until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        run_dir = settings.DATA_DIR / supervisor.RUN
        if not supervisor.hold_folder(run_dir):
            raise UserError(f"Tonekeep runs already on {settings.DATA_DIR}. Stop it first, or set another DATA_DIR.")
        serves = "web" in settings.ROLES
        if serves and (problem := supervisor.port_problem(settings.BIND, settings.PORT)):
            raise UserError(problem)
        call_command("migrate", interactive=False, verbosity=0)
        machine.require_own_name(database_clock.now())
        if settings.SECRET_KEY_FALLBACKS:
            reseal_secrets([(Channel, "address"), (Channel, "secret"), (Player, "secret")])
        if not serves:
            self.stdout.write(f"Tonekeep: {', '.join(settings.ROLES)} on {settings.HOST_NAME}  (Ctrl-C stops it)")
            supervisor.replace_this_process()
        page = supervisor.page_address(settings.BIND, settings.PORT)
        self.stdout.write(f"Tonekeep: {page}/  (Ctrl-C stops it)")
        path = "/"
        if token := setup_link.offer(database_clock.now()):
            path = reverse("first_admin", args=[token])
            self.stdout.write(f"Make yourself its admin, within an hour: {page}{path}")
        for line in ways_in(settings.BIND, settings.PORT, settings.ALLOWED_HOSTS, own_addresses(), path):
            self.stdout.write(line)
        supervisor.replace_this_process()
