"""Whether the pages can be served, and what a person sees where they cannot."""

from __future__ import annotations

import sys

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.reports import status
from config.database_errors import sentence


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """`/healthz`: 200 while pages can be served from the database, else 503. No log-in, no counts, no disk.

    Silent workers are said, but are no reason for a 503: restarting the web server would not bring them back.
    """
    try:
        workers = status.workers_state(timezone.now())
    except DatabaseError as error:
        return JsonResponse({"ok": False, "problem": sentence(error)}, status=503)
    return JsonResponse({"ok": True, "workers": workers})


def broken(request: HttpRequest) -> HttpResponse:
    """The answer where a page failed: one sentence, nothing of the inside. A database error names its cure."""
    error = sys.exc_info()[1]
    if isinstance(error, DatabaseError):
        return _said(request, sentence(error), 503)
    return _said(request, "This page failed. The reason stands in the program's log.", 500)


def _said(request: HttpRequest, words: str, code: int) -> HttpResponse:
    """As JSON on `/status`, in good and in bad days, and where JSON is asked for; a page without any query else."""
    if request.path.rstrip("/") == "/status" or "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"error": words}, status=code)
    return HttpResponse(render_to_string("500.html", {"words": words}), status=code)
