"""The catalog's state for programs: `/status` as JSON, `/metrics` for Prometheus."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from catalog.reports import status
from catalog.reports.metrics import exposition
from catalog.web.permissions import readers_answer


@readers_answer
def status_json(request: HttpRequest) -> HttpResponse:
    """`/status`: the numbers of the start page as JSON, whatever the request accepts."""
    return JsonResponse(status.snapshot(timezone.now()))


@readers_answer
def metrics(request: HttpRequest) -> HttpResponse:
    """`/metrics`: Prometheus' text format 0.0.4. Open with STATUS_PUBLIC=true, else for a session."""
    text = exposition(status.snapshot(timezone.now()))
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")
