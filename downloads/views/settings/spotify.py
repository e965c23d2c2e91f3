"""`/connect`: the way to a connected Spotify account, step by step, and what a person should know about each one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.models import Account, Run, Service
from catalog.spotify import accounts
from catalog.spotify.accounts import SPOTIFY, pause_sentence
from catalog.spotify.app import app, is_refused_redirect
from catalog.web.permissions import may_own, owner_button, owner_page
from downloads.jobs import queue


@owner_page
@require_safe
def connect_page(request: HttpRequest) -> HttpResponse:
    """The steps that are left, and the accounts."""
    now = database_clock.now()
    service = Service.objects.filter(name=SPOTIFY).first() or Service(name=SPOTIFY)  # a look makes no row
    ours = app()
    context: dict[str, Any] = {
        "section": "settings",
        "now": now,
        "app": ours,
        "app_is_set": bool(settings.SPOTIFY_CLIENT_ID),
        "redirect_uri": settings.SPOTIFY_REDIRECT_URI,
        "is_refused": is_refused_redirect(settings.SPOTIFY_REDIRECT_URI),
        "loopback": f"http://127.0.0.1:{settings.PORT}/connect/callback",
        "lands_elsewhere": urlsplit(settings.SPOTIFY_REDIRECT_URI).netloc != request.get_host(),
        "standings": accounts.account_statuses(now),
        "paused": pause_sentence(service) if service.is_paused(now) else "",
        "token_is_set": bool(settings.SPOTIFY_REFRESH_TOKEN),
        "last_run": Run.objects.filter(kind=Run.Kind.SYNC).first(),
    }
    return render(request, "settings/spotify.html", context)


@owner_button
def save_app(request: HttpRequest) -> HttpResponse:
    """Store the client id, and the secret where there is one, and say what Spotify has against them; or only that."""
    if settings.SPOTIFY_CLIENT_ID and "test" not in request.POST:
        messages.error(request, "The app is set by SPOTIFY_CLIENT_ID in the environment; change it there.")
        return redirect("connect")
    try:
        if "test" not in request.POST:
            accounts.save_app(request.POST.get("client_id", ""), request.POST.get("client_secret", ""))
            messages.success(request, "The app is stored.")
        if problem := accounts.app_problem():
            messages.error(request, problem)
        else:
            messages.success(
                request, "Spotify knows the app and has nothing against its address. Now connect your account."
            )
    except accounts.ConnectProblem as problem:
        messages.error(request, str(problem))
    return redirect("connect")


@owner_button
def start(request: HttpRequest) -> HttpResponse:
    """Off to Spotify."""
    try:
        return redirect(accounts.begin(request.session, database_clock.now()))
    except accounts.ConnectProblem as problem:
        messages.error(request, str(problem))
        return redirect("connect")


@never_cache
@require_safe
def callback(request: HttpRequest) -> HttpResponseBase:
    """Back from Spotify. Who landed under another host's name than they came from is told to copy the address."""
    if not may_own(request) or accounts.PENDING not in request.session:
        return render(request, "settings/spotify_callback.html", {"section": "settings"})
    return _finish(request, request.get_full_path())


@owner_button
def paste(request: HttpRequest) -> HttpResponse:
    """The address of the page that Spotify led to, where that page could not be opened."""
    return _finish(request, request.POST.get("address", ""))


def _finish(request: HttpRequest, landed: str) -> HttpResponse:
    try:
        account = accounts.finish(request.session, landed, database_clock.now())
    except accounts.ConnectProblem as problem:
        messages.error(request, str(problem))
        return redirect("connect")
    queue.request_sync()
    messages.success(request, f"Connected as {account}. The library is being read now.")
    return redirect("plan")


@owner_button
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget an account's token."""
    account = get_object_or_404(Account, pk=pk)
    accounts.disconnect(account)
    again = " SPOTIFY_REFRESH_TOKEN is still set and will connect it again." if settings.SPOTIFY_REFRESH_TOKEN else ""
    messages.success(
        request, f"Disconnected {account}. Its songs and files stay; its lists can be removed here.{again}"
    )
    return redirect("collections")
