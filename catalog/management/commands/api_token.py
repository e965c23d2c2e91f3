"""manage.py api_token PERSON --name N --scope read|act: let another program in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser

from catalog.db import database_clock
from catalog.models import ApiToken
from catalog.system.console import PlainCommand
from catalog.text.user_error import UserError


class Command(PlainCommand):
    help = "Make a token for the API and print it, alone on the last line. It is shown once; --revoke ends it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", metavar="PERSON", help="the name that this person logs in with")
        parser.add_argument("--name", required=True, help="what the token is for, such as “home assistant”")
        parser.add_argument("--scope", choices=ApiToken.Scope.values, default=ApiToken.Scope.READ)
        parser.add_argument("--revoke", action="store_true", help="end the token of this name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 with a sentence where there is no such person or token, or the name is taken."""
        people = get_user_model().objects
        person = people.filter(**{get_user_model().USERNAME_FIELD: options["person"]}, is_active=True).first()
        if person is None:
            raise UserError(f"Nobody called {options['person']} may log in here.")
        tokens = ApiToken.objects.filter(user=person, name=options["name"])
        if options["revoke"]:
            if not tokens.delete()[0]:
                raise UserError(f"{options['person']} has no token called {options['name']}.")
            self.stdout.write(f"The token {options['name']} is ended.")
            return
        if tokens.exists():
            raise UserError(f"There is a token called {options['name']} already: end it with --revoke.")
        self.stdout.write(f"A token of {options['person']} with scope {options['scope']}; it is not shown again:")
        self.stdout.write(ApiToken.objects.issue(person, options["name"], options["scope"], database_clock.now()))
