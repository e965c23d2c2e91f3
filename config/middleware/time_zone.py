"""Times on pages are those of the time zone that the settings name."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from catalog.models.settings import value

# The first two answer where there is no database; phones poll the last, whose times are all UTC.
WITHOUT = ("/healthz", "/metrics", "/api/v1/status")


def local_times(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the settings' time zone holds while a request is answered."""

    def answer(request: HttpRequest) -> HttpResponse:
        with timezone.override(settings.TIME_ZONE if request.path.startswith(WITHOUT) else _zone()):
            return get_response(request)

    return answer


def _zone() -> str:
    try:
        return str(value("TIME_ZONE"))
    except DatabaseError:  # the page itself says so
        return str(settings.TIME_ZONE)
