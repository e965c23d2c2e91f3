"""Whether the pages can be served."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.reports import status
from config.database_errors import sentence


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """`/healthz`: 200 while pages can be served from the database, else 503. No log-in, no counts, no disk.

    Silent workers and a music folder that is not there are said, but are
    no reason for a 503: restarting the web server would not bring them back.
    """
    try:
        workers, library = status.workers_state(database_clock.now()), status.storage_state()
    except DatabaseError as error:
        return JsonResponse({"ok": False, "problem": sentence(error)}, status=503)
    wrong = {} if library in {"", "online"} else {"storage": library}
    return JsonResponse({"ok": True, "workers": workers, **wrong})
