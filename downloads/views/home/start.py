"""`/start`: the first start, step by step. The steps are pages that stay: each can be left and come back to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.models import JobRequest
from catalog.reports import plan
from catalog.reports.music_folder import music_folder
from catalog.web.permissions import keeper_page


@keeper_page
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The second step: the music folder, as the last look left it. The next ones are the source and the plan."""
    now = database_clock.now()
    context = {
        "section": "home",
        "now": now,
        "folder": music_folder(),
        "looking": plan.look_under_way(now) is not None or JobRequest.objects.is_waiting("look"),
    }
    return render(request, "home/start.html", context)
