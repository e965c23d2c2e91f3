"""Remembers what reverse proxies say that does not fit the settings, for the health page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from downloads.health import proxy_headers

Handler = Callable[[HttpRequest], HttpResponseBase]


def note_proxies(get_response: Handler) -> Handler:
    """Middleware: outside of those that redirect to HTTPS and refuse hosts."""

    def noting(request: HttpRequest) -> HttpResponseBase:
        proxy_headers.note(request, timezone.now())  # this machine's clock: no database is asked for it
        return get_response(request)

    return noting
