"""`/messages`: who is told of what. An address is written here, and never shown whole again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.system.encryption import seal
from catalog.text import setting_values
from catalog.web.permissions import owner_button, owner_page
from downloads.jobs import queue
from downloads.models import Channel, Message
from downloads.notify import apprise_process, outbox, webhook
from downloads.notify.address import service_address, webhook_address
from downloads.notify.events import KINDS

LOGGED = 50  # messages on the page
UNASKED = {"digest"}  # what a new channel does not hear of


@owner_page
@require_safe
def channels(request: HttpRequest) -> HttpResponse:
    """The channels, and the latest messages."""
    return _page(request)


def _page(request: HttpRequest, problem: str = "", secret: str = "") -> HttpResponse:
    context = {
        "section": "settings",
        "now": database_clock.now(),
        "kinds": KINDS,
        "channels": Channel.objects.order_by("pk"),
        "log": Message.objects.select_related("channel")[:LOGGED],
        "problem": problem,
        "secret": secret,
        "typed": request.POST if problem else {},
    }
    return render(request, "settings/messages.html", context, status=400 if problem else 200)


@owner_button
def add(request: HttpRequest) -> HttpResponse:
    """A new channel. A webhook's secret is shown in the answer, this once."""
    is_webhook = request.POST.get("kind") == Channel.Kind.WEBHOOK
    try:
        address, shown = (webhook_address if is_webhook else _service)(request.POST.get("address", ""))
    except ValueError as error:
        return _page(request, str(error))
    secret = webhook.new_secret() if is_webhook else ""
    Channel.objects.create(
        kind=Channel.Kind.WEBHOOK if is_webhook else Channel.Kind.APPRISE,
        name=request.POST.get("name", "").strip()[:60] or shown.partition("://")[0],
        address=seal(address),
        shown=shown,
        secret=seal(secret) if secret else "",
        events=[kind for kind in KINDS if kind not in UNASKED],
        created_at=database_clock.now(),
    )
    messages.success(request, "Added. Press Test to see whether it arrives.")
    return _page(request, secret=secret) if secret else redirect("messages")


def _service(text: str) -> tuple[str, str]:
    """An Apprise address, and what is shown of it. Raises ValueError with a sentence."""
    address = service_address(text)
    if shown := apprise_process.masked(address):
        return address, shown
    raise ValueError("Apprise does not understand this address: something in it is missing or misspelt.")


@owner_button
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """What a channel hears of, and when. Nothing is saved where something cannot be used."""
    channel = get_object_or_404(Channel, pk=pk)
    try:
        changes = _changes(request)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("messages")
    Channel.objects.filter(pk=channel.pk).update(**changes)
    messages.success(request, "Saved.")
    return redirect("messages")


def _changes(request: HttpRequest) -> dict[str, Any]:
    quiet = request.POST.get("quiet", "").strip()[:100]
    setting_values.hours("Quiet hours", quiet)
    return {
        "events": [kind for kind in KINDS if kind in request.POST.getlist("events")],
        "quiet": quiet,
        "paused_hours": setting_values.whole("Hours of a pause", request.POST.get("paused_hours", ""), 0, 1_000),
        "decisions": setting_values.whole("Songs that wait", request.POST.get("decisions", ""), 1, 1_000_000),
        "enabled": request.POST.get("enabled") == "yes",
    }


@owner_button
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test, whatever the hour."""
    outbox.write_test(get_object_or_404(Channel, pk=pk), database_clock.now())
    queue.request_messages()
    messages.success(request, "A test is on its way; its answer stands below in a few seconds.")
    return redirect("messages")


@owner_button
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a channel, its address and its messages."""
    Channel.objects.filter(pk=pk).delete()
    messages.success(request, "Removed.")
    return redirect("messages")
