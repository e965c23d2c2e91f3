"""The catalog's state for programs: `/status` as JSON, `/metrics` for Prometheus."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse

from catalog.db import database_clock
from catalog.reports import status
from catalog.reports.metrics import exposition, work_done
from catalog.reports.public_status import public_snapshot
from catalog.web.permissions import bearer_token, is_insider, readers_answer


@readers_answer
def status_json(request: HttpRequest) -> HttpResponse:
    """`/status`: the numbers of the start page as JSON, whatever the request accepts. Strangers get less of it."""
    snapshot = status.snapshot(database_clock.now())
    return JsonResponse(snapshot if _is_insider(request) else public_snapshot(snapshot))


@readers_answer
def metrics(request: HttpRequest) -> HttpResponse:
    """`/metrics`: Prometheus' text format 0.0.4. Strangers get less of it, and without STATUS_PUBLIC=true nothing."""
    now = database_clock.now()
    snapshot = status.snapshot(now)
    text = exposition(snapshot if _is_insider(request) else public_snapshot(snapshot), work_done(now))
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _is_insider(request: HttpRequest) -> bool:
    return is_insider(request) or bearer_token(request) is not None
