"""`/players`: which players are told what is new. A password or token is written here and never shown."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.system.encryption import seal
from catalog.text.setting_values import is_address
from catalog.web.permissions import owner_button, owner_page
from downloads.jobs import queue
from downloads.models import Player

LONGEST = 1_000  # characters of a value
ON_THE_PAGE = [kind for kind in Player.Kind if kind != Player.Kind.COMMAND]  # that one is the environment's alone


@owner_page
@require_safe
def players(request: HttpRequest) -> HttpResponse:
    """The players, and what each of them answered last."""
    return _page(request)


def _page(request: HttpRequest, problem: str = "") -> HttpResponse:
    context = {
        "section": "settings",
        "now": database_clock.now(),
        "players": Player.objects.order_by("pk"),
        "kinds": ON_THE_PAGE,
        "problem": problem,
        "typed": request.POST if problem else {},
    }
    return render(request, "settings/players.html", context, status=400 if problem else 200)


@owner_button
def add(request: HttpRequest) -> HttpResponse:
    """A new player; it is told everything at once."""
    kind = request.POST.get("kind", "")
    try:
        if kind not in ON_THE_PAGE:
            raise ValueError("Choose the kind of player.")
        address = _address(kind, request.POST.get("address", "").strip()[:LONGEST])
        columns = _columns(request)
        if kind != Player.Kind.MPD and "secret" not in columns:
            raise ValueError("A password or token is needed.")
    except ValueError as error:
        return _page(request, str(error))
    Player.objects.create(kind=kind, address=address, **columns)
    queue.request_players()
    messages.success(request, "Added. It is told now; its answer stands here in a few seconds.")
    return redirect("players")


def _address(kind: str, text: str) -> str:
    """host:port of MPD, an http(s) address of the others: it is shown, so no password may be in it."""
    if kind == Player.Kind.MPD:
        if not re.fullmatch(r"([\w.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?", text):
            raise ValueError("Write host:port, like 192.168.1.5:6600.")
        return text if re.search(r":[0-9]{1,5}\Z", text) else f"{text}:6600"
    if not is_address(text) or re.search(r"[\s?#@]", text):
        raise ValueError("Write its address like http://192.168.1.5:4533, with user and password in their own fields.")
    return text.rstrip("/")


def _columns(request: HttpRequest) -> dict[str, Any]:
    """What can be changed later, too. An empty secret leaves the present one."""
    secret = request.POST.get("secret", "")[:LONGEST]
    folder = request.POST.get("folder", "").strip()[:LONGEST]
    if not folder.isprintable():
        raise ValueError("A folder is one line.")
    return {
        "user": request.POST.get("user", "").strip()[:100],
        "folder": folder,
        "playlists": request.POST.get("playlists") == "yes",
        **({"secret": seal(secret)} if secret else {}),
    }


@owner_button
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a player; of one that the environment names, the folder and the switches alone."""
    player = get_object_or_404(Player, pk=pk)
    try:
        columns = _columns(request) | {"enabled": request.POST.get("enabled") == "yes"}
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("players")
    if player.fixed:
        columns = {name: value for name, value in columns.items() if name not in ("user", "secret")}
    Player.objects.filter(pk=player.pk).update(**columns, asked=True)
    queue.request_players()
    messages.success(request, "Saved.")
    return redirect("players")


@owner_button
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a player look through everything."""
    player = get_object_or_404(Player, pk=pk)
    Player.objects.filter(pk=player.pk).update(asked=True)
    queue.request_players()
    messages.success(request, "It is told within a minute; its answer stands here then.")
    return redirect("players")


@owner_button
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a player. What it shows stays as it is."""
    Player.objects.filter(pk=pk, fixed=False).delete()
    messages.success(request, "Removed.")
    return redirect("players")
