"""The catalog's state for programs: `/status` as JSON, `/metrics` for Prometheus."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from catalog.reports import status
from catalog.reports.metrics import exposition
from catalog.web.permissions import bearer_token, readers_answer

PUBLIC_SONG = ("id", "title", "artists", "album", "percent", "error_kind", "failed_at", "retry_after")
PUBLIC_RUN = ("started_at", "ended_at", "running", "ok", "done", "total")


def for_stranger(snapshot: dict[str, Any]) -> dict[str, Any]:
    """What STATUS_PUBLIC opens: numbers, states, runs and songs; no path, no text of an error, nobody's name."""
    queue, failures, runs = snapshot["queue"], snapshot["failures"], snapshot["runs"]
    root, headline = snapshot["storage"]["root"], snapshot["headline"]
    return {
        "at": snapshot["at"],
        "headline": headline.replace(root, "the music folder") if root else headline,
        "counters": snapshot["counters"],
        "queue": {"ready": queue["ready"], "cooling": queue["cooling"], "items": _songs(queue["items"])},
        "downloading": _songs(snapshot["downloading"]),
        "failures": {"total": failures["total"], "items": _songs(failures["items"])},
        "runs": {kind: run and _only(run, PUBLIC_RUN) for kind, run in runs.items()},
        "storage": {"state": snapshot["storage"]["state"], "reason": ""},
        "workers": {"state": snapshot["workers"]["state"]},
    }


def _songs(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_only(item, PUBLIC_SONG) for item in items]


def _only(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


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
