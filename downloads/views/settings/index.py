"""`/settings`: the pages of the settings, and the reader's own choice of light or dark."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from catalog.web.permissions import back, keeper_page
from downloads.views.frame import THEME_COOKIE, THEMES

YEAR = 365 * 86_400  # seconds


@keeper_page
def index(request: HttpRequest) -> HttpResponse:
    """What can be set, and where. Every settings page shows the same list beside it."""
    return render(request, "settings/index.html", {"section": "settings"})


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the device: kept in a cookie, so that it needs neither an account nor JavaScript."""
    response = back(request)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=YEAR, samesite="Lax", secure=settings.HTTPS, httponly=True)
    else:
        response.delete_cookie(THEME_COOKIE)
    return response
