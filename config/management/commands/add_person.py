"""manage.py add_person NAME --role owner|keeper|listener: an account, without a browser."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.db import transaction
from django.urls import reverse

from catalog.db import database_clock
from catalog.system.console import PlainCommand
from catalog.text.user_error import UserError
from catalog.web import person_links
from catalog.web.roles import Role, set_role
from config.process import supervisor


class Command(PlainCommand):
    help = "Make an account, and print a link by which its password is set; --password-stdin sets it at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="what the person logs in with")
        parser.add_argument("--role", choices=Role.values, default=Role.LISTENER.value)
        parser.add_argument("--password-stdin", action="store_true", help="the password is the first line of the input")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where the name cannot be used or is taken, or the password is too weak."""
        user = User(username=options["name"])
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else None
        user.set_password(password)  # None: no password opens the account until the link is used
        try:
            user.full_clean()
            if password is not None:
                validate_password(password, user)
        except ValidationError as error:
            raise UserError(" ".join(error.messages)) from error
        with transaction.atomic():
            user.is_superuser = options["role"] == Role.OWNER  # the first person may be one
            user.save()
            set_role(user, options["role"])
        if password is not None:
            self.stdout.write(f"{user.username} may log in as {options['role']}.")
            return
        page = supervisor.page_address(settings.BIND, settings.PORT)
        self.stdout.write(f"{page}{reverse('join', args=[person_links.reset(user, database_clock.now())])}")
