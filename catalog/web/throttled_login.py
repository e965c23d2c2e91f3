"""Logging in, not too often: passwords are not to be guessed."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.cache import cache
from django.core.exceptions import ValidationError

MOST_FAILURES = 10  # of one address
WITHIN = 10 * 60  # seconds
TOO_MANY = "Too many wrong passwords. Wait ten minutes, then try again."


class LogInForm(AdminAuthenticationForm):
    """Refuses an address that was wrong ten times within ten minutes, also where the password is then right.

    Counted for each web process by itself, in its memory: a restart forgives.
    """

    def clean(self) -> Any:
        key = f"wrong-passwords:{self.request.META.get('REMOTE_ADDR', '') if self.request else ''}"
        if cache.get(key, 0) >= MOST_FAILURES:
            raise ValidationError(TOO_MANY, code="too_many")
        try:
            return super().clean()
        except ValidationError:
            cache.add(key, 0, WITHIN)
            cache.incr(key)
            raise
