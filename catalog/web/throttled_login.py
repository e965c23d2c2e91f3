"""Logging in, not too often: passwords are not to be guessed."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils import timezone

from catalog.models import LoginFailure
from catalog.web.client_address import client_network

MOST_FAILURES = 10  # of one network with one account
MOST_OF_NETWORK = 50  # with any account
WITHIN = timedelta(minutes=10)
TOO_MANY = "Too many wrong passwords. Wait ten minutes, then try again."

logger = logging.getLogger(__name__)


class ThrottledLogin(AuthenticationForm):
    """Refuses a network that was wrong too often within ten minutes, also where the password is then right.

    Counted in the database: all processes share it, and a restart forgives nothing. An account is refused to the
    network that guessed, never to others: nobody locks its owner out from elsewhere.
    """

    def clean(self) -> Any:
        network = client_network(self.request) if self.request else ""
        account = _digest(self.cleaned_data.get("username") or "")
        recent = LoginFailure.objects.filter(network=network, at__gt=timezone.now() - WITHIN)
        if recent.filter(account=account).count() >= MOST_FAILURES or recent.count() >= MOST_OF_NETWORK:
            logger.warning("Log-in refused to %s: too many wrong passwords", network or "an unknown address")
            raise ValidationError(TOO_MANY, code="too_many")
        try:
            return super().clean()
        except ValidationError:
            _remember(network, account)
            raise


def _remember(network: str, account: str) -> None:
    now = timezone.now()
    LoginFailure.objects.filter(at__lt=now - WITHIN).delete()
    LoginFailure.objects.create(network=network, account=account, at=now)
    logger.warning("A wrong password from %s", network or "an unknown address")


def _digest(name: str) -> str:
    """People type passwords into the wrong field: the name itself is not kept."""
    return hashlib.sha256(name.casefold().encode()).hexdigest()


class LogInForm(ThrottledLogin, AdminAuthenticationForm):
    """The admin's form, which takes staff alone."""
