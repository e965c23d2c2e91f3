"""Browsers in which somebody has logged in before: others' wrong passwords do not count against them.

A signed cookie names the account and a random id. It opens nothing: it only says by what wrong passwords are counted.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

KEPT = timedelta(days=400)  # browsers keep no cookie for longer
SALT = "catalog.known_browser"


def account_digest(name: str) -> str:
    """People type passwords into the wrong field: the name itself is kept nowhere."""
    return hashlib.sha256(name.casefold().encode()).hexdigest()


def known_browser(request: HttpRequest, account: str) -> str:
    """The id of this browser where the account with this digest has logged in in it, else ""."""
    try:
        known, browser = signing.loads(request.COOKIES.get(settings.BROWSER_COOKIE_NAME, ""), salt=SALT, max_age=KEPT)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(browser) if known == account else ""


def remember_browser(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For views that log in: whoever has logged in gets the cookie."""

    @wraps(view)
    def remembered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if request.method == "POST" and response.status_code == 302 and request.user.is_authenticated:
            value = signing.dumps([account_digest(request.user.get_username()), secrets.token_hex(8)], salt=SALT)
            response.set_cookie(
                settings.BROWSER_COOKIE_NAME,
                value,
                max_age=KEPT,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    return remembered
