"""`/start`: the music folder, a step of the first start that stays: what it is, another one."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.models import JobRequest, Run
from catalog.reports import plan
from catalog.reports.music_folder import music_folder
from catalog.storage.choose import LONGEST
from catalog.web.permissions import keeper_page, owner_button
from downloads.jobs import maintenance


@keeper_page
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The music folder, as the last look left it. The next steps are the source and the plan."""
    now = database_clock.now()
    chosen = Run.objects.filter(kind=Run.Kind.FOLDER).first()
    context = {
        "section": "home",
        "now": now,
        "folder": music_folder(),
        "looking": plan.look_under_way(now) is not None or JobRequest.objects.is_waiting("look"),
        "fixed": settings.MUSIC_DIR_FIXED,
        "chosen": chosen,
        "starts_anew": bool(chosen and chosen.ok and chosen.report.get("path") != settings.MUSIC_DIR),
        "longest": LONGEST,
    }
    return render(request, "home/start.html", context)


@owner_button
def choose_folder(request: HttpRequest) -> HttpResponse:
    """Take another music folder. A job looks at it: no page touches a folder of music."""
    path = request.POST.get("folder", "").strip()[: LONGEST + 1]
    if maintenance.ask(Run.Kind.FOLDER, database_clock.now(), path=path):
        messages.success(request, "The folder is being looked at; this page says in a moment whether it can be taken.")
    else:
        messages.error(request, "A folder is being looked at already; choose again in a moment.")
    return redirect("start")
