"""`/`: the state of the library in one sentence, the counters, and what goes on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from catalog.reports import status
from catalog.spotify import accounts
from catalog.web.permissions import may_act, readers_page

SHOWN_IN_QUEUE = 6  # songs that the status page shows of the queue; the queue's own page shows all
SERVICE_LABELS = {"spotify": "Spotify", "audio": "Audio source", "storage": "Music folder"}
# What a service's state is called on the page, and its colour; other states are shown as they are.
SERVICE_WORDS = {
    "ok": ("working", "ok"),
    "online": ("there", "ok"),
    "offline": ("offline", "bad"),
    "held": ("waits for you", "warn"),
    "full": ("disk full", "bad"),
    "readonly": ("read-only", "bad"),
}


@readers_page
def status_page(request: HttpRequest) -> HttpResponse:
    """`/`: the head line, the six counters, and what goes on."""
    now = timezone.now()
    seen = status.snapshot(now, SHOWN_IN_QUEUE)
    shown = {
        "section": "status",
        "now": now,
        "seen": seen,
        "services": [_service(service, seen) for service in seen["services"]],
        "paused": any(service["paused_by_person"] for service in seen["services"]),
        "next_up": SHOWN_IN_QUEUE,
        "may_act": may_act(request),
        # Whose account it is, and what ails it, is for those who are logged in.
        "accounts": accounts.alerts(now) if may_act(request) else [],
    }
    return render(request, "home/status.html", shown)


def _service(service: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """A service as a person reads it: ``label``, ``word`` with its colour ``mood``, and what there is to say."""
    state, said = service["state"], service["reason"]
    if service["name"] == "storage":
        state, said = seen["storage"]["state"], seen["storage"]["reason"]
        state, said = ("not checked yet", "") if seen["storage"]["checked_at"] is None else (state, said)
        said = "" if state == "held" else said  # the note at the top of the page says it, with its button
    word, mood = SERVICE_WORDS.get(state, (state.replace("_", " "), "warn"))
    if state == "canary":
        word, mood = "being tried", "busy"
    elif service["paused"]:
        word, mood = "paused", "warn"
        said = "By a person, until a person says go on." if service["paused_by_person"] else said
    elif service["name"] == "spotify" and not seen["connected"]:
        word, mood, said = "not connected", "", said
    return {**service, "label": SERVICE_LABELS[service["name"]], "word": word, "mood": mood, "said": said}
