"""Logging in, not too often: passwords are not to be guessed."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from catalog.db import database_clock
from catalog.models import LoginFailure
from catalog.web.client_address import client_network
from catalog.web.known_browser import account_digest, known_browser

MOST_FAILURES = 10  # of one network with one account
MOST_OF_NETWORK = 50  # with any account
WITHIN = timedelta(minutes=10)
TOO_MANY = "Too many wrong passwords. Wait ten minutes, then try again."

logger = logging.getLogger(__name__)


class ThrottledLogin(AuthenticationForm):
    """Refuses who was wrong too often within ten minutes, also where the password is then right.

    Counted in the database: all processes share it, and a restart forgives nothing. An account is refused to the
    network that guessed, never to others; and a browser in which the account has logged in before is counted by itself:
    nobody locks its owner out, not even from behind the same proxy.
    """

    def clean(self) -> Any:
        account = account_digest(self.cleaned_data.get("username") or "")
        source = known_browser(self.request, account) or client_network(self.request) if self.request else ""
        now = database_clock.now()
        LoginFailure.objects.filter(at__lt=now - WITHIN).delete()
        # Written before it is judged: of many guesses that come together, none may look at a count without the others.
        attempt = LoginFailure.objects.create(network=source, account=account, at=now)
        recent = LoginFailure.objects.filter(network=source, at__gt=now - WITHIN)
        if recent.filter(account=account).count() > MOST_FAILURES or recent.count() > MOST_OF_NETWORK:
            attempt.delete()
            logger.warning(
                "Log-in refused to %s: too many wrong passwords%s", _named(self.request), _hint(self.request)
            )
            raise ValidationError(TOO_MANY, code="too_many")
        try:
            cleaned = super().clean()
        except ValidationError:
            logger.warning("A wrong password from %s", _named(self.request))
            raise
        attempt.delete()
        return cleaned


def _named(request: HttpRequest | None) -> str:
    """For the log, and for programs that block by it."""
    return (client_network(request) if request else "") or "an unknown address"


def _hint(request: HttpRequest | None) -> str:
    """Where all visitors share a proxy's address, they share its limit."""
    if request is None or settings.TRUSTED_PROXY or "X-Forwarded-For" not in request.headers:
        return ""
    return ". It came through a proxy: name that in TRUSTED_PROXY, or all its visitors count as one"
