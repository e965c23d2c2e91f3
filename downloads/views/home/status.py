"""`/`: the state of the library in one sentence, the counters, and what goes on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog.db import database_clock
from catalog.models import Event, JobRequest, Track
from catalog.reports import status
from catalog.reports.public_status import public_snapshot
from catalog.web.permissions import is_insider, may_act, readers_page
from downloads.views.library.coverage import library_coverage

SHOWN_IN_QUEUE = 6  # songs that the page shows of the queue; the queue's own page shows all
SHOWN_ARRIVED = 6
SERVICE_LABELS = {"spotify": "Spotify", "audio": "Audio source", "storage": "Music folder"}
# What a service's state is called on the page, its colour and icon; other states are shown as they are.
SERVICE_WORDS = {
    "ok": ("working", "ok", "check"),
    "online": ("online", "ok", "check"),
    "offline": ("offline", "bad", "circle-alert"),
    "held": ("paused: files disappeared", "warn", "hand"),
    "full": ("disk full", "bad", "circle-alert"),
    "readonly": ("read-only", "bad", "circle-alert"),
}


@readers_page
def status_page(request: HttpRequest) -> HttpResponse:
    """The start page. Readers see the same without buttons."""
    now = database_clock.now()
    snapshot = status.snapshot(now, SHOWN_IN_QUEUE)
    if not is_insider(request):
        snapshot = public_snapshot(snapshot)
    request.conditions = snapshot  # type: ignore[attr-defined]  # what `frame` would ask for again
    context = {
        "section": "home",
        "now": now,
        "seen": snapshot,
        "parts": library_coverage(snapshot["counters"], snapshot["queue"]["cooling"], now),
        "arrived": arrived(SHOWN_ARRIVED),
        "services": [_service(service, snapshot) for service in snapshot["services"]],
        "paused": any(service["paused_by_person"] for service in snapshot["services"]),
        "next_up": SHOWN_IN_QUEUE,
        "may_act": may_act(request),
        "busy": is_busy(snapshot),
    }
    return render(request, "home/status.html", context)


def is_busy(snapshot: dict[str, Any]) -> bool:
    """Whether the page will soon say something else: open pages look again within seconds then, else each minute."""
    runs = any(run and run["running"] for run in snapshot["runs"].values())
    return runs or snapshot["counters"]["downloading"] > 0 or JobRequest.objects.exists()


def arrived(limit: int) -> list[dict[str, Any]]:
    """The songs that were downloaded last and are still here, the latest first."""
    events = Event.objects.filter(kind=Event.Kind.FINISH).order_by("-at").values_list("track_id", flat=True)
    order = list(dict.fromkeys(events[: limit * 4]))[: limit * 2]
    songs = {song["id"]: song for song in status.described(Track.objects.filter(pk__in=order).downloaded())}
    return [songs[pk] for pk in order if pk in songs][:limit]


def _service(service: dict[str, Any], snapshot: dict[str, Any]) -> dict[str, Any]:
    """A service as a person reads it: ``label``, ``word`` with its ``mood`` and ``icon``, and what there is to say."""
    state, text = service["state"], service["reason"]
    if service["name"] == "storage":
        state, text = snapshot["storage"]["state"], ""  # a reason stands in the banner, with its button
        state = "not checked yet" if snapshot["storage"]["checked_at"] is None else state
    word, mood, icon = SERVICE_WORDS.get(state, (state.replace("_", " "), "warn", "circle-alert"))
    if state == "canary":
        word, mood, icon = "testing again", "busy", "refresh-cw"
    elif service["paused"]:
        word, mood, icon = "paused", "warn", "pause"
        text = "" if service["name"] == "audio" else text
    elif service["name"] == "spotify" and not snapshot["connected"]:
        word, mood, icon = "not connected", "", "music"
    return {**service, "label": SERVICE_LABELS[service["name"]], "word": word, "mood": mood, "icon": icon, "said": text}
