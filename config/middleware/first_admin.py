"""An address that is open to the network shows nothing until an admin exists.

The start is not refused: the link that makes the first admin is used in a browser, and on a machine without a screen
that browser is another one's. So the server runs and answers that link, its health and its style sheets, and nothing
else.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from catalog.web.setup_link import admin_exists
from config.errors import not_set_up

Handler = Callable[[HttpRequest], HttpResponseBase]
ANSWERED = re.compile(r"/setup/[^/]+/?|/healthz/?")  # static files are answered before


def first_admin_first(get_response: Handler) -> Handler:
    """Middleware: 503 and a sentence for everything but `ANSWERED`, while a network reaches us and no admin exists."""
    is_open = settings.BIND not in settings.LOOPBACK

    def guarded(request: HttpRequest) -> HttpResponseBase:
        if is_open and not ANSWERED.fullmatch(request.path) and not admin_exists():
            return not_set_up(request)
        return get_response(request)

    return guarded
