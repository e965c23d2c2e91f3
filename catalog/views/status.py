"""The catalog's state for programs: `/status` as JSON, `/metrics` for Prometheus."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from catalog.reports import status
from catalog.reports.metrics import exposition
from catalog.web.permissions import bearer_token, readers_answer

PUBLIC_ITEM = ("id", "title", "artists", "album")


def for_stranger(snapshot: dict[str, Any]) -> dict[str, Any]:
    """What STATUS_PUBLIC opens: numbers, states and songs that wait; no path, no reason, nobody's name."""
    queue = snapshot["queue"]
    items = [{name: item[name] for name in PUBLIC_ITEM if name in item} for item in queue["items"]]
    return {
        "at": snapshot["at"],
        "counters": snapshot["counters"],
        "queue": {"ready": queue["ready"], "cooling": queue["cooling"], "items": items},
        "storage": {"state": snapshot["storage"]["state"], "reason": ""},
        "workers": {"state": snapshot["workers"]["state"]},
    }


@readers_answer
def status_json(request: HttpRequest) -> HttpResponse:
    """`/status`: the numbers of the start page as JSON, whatever the request accepts. Strangers get less of it."""
    snapshot = status.snapshot(timezone.now())
    insider = request.user.is_authenticated or bearer_token(request)
    return JsonResponse(snapshot if insider else for_stranger(snapshot))


@readers_answer
def metrics(request: HttpRequest) -> HttpResponse:
    """`/metrics`: Prometheus' text format 0.0.4. Open with STATUS_PUBLIC=true, else for a session."""
    text = exposition(status.snapshot(timezone.now()))
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")
