"""`/setup/<token>`: the first admin's account."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from catalog.db import database_clock
from catalog.web import setup_link
from catalog.web.known_browser import remember_browser


@never_cache
@remember_browser
def first_admin(request: HttpRequest, token: str) -> HttpResponse:
    """`/setup/<token>`: the one-time link. Whoever holds it chooses the first admin's name and password."""
    now = database_clock.now()
    if not setup_link.is_valid(token, now):
        return render(request, "first_admin.html", {"form": None}, status=410)
    form = setup_link.FirstAdminForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = setup_link.use(token, form, now)
        if user is None:
            return render(request, "first_admin.html", {"form": None}, status=410)
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return redirect("start")
    return render(request, "first_admin.html", {"form": form})
