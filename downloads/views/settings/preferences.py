"""`/settings/downloads`: what a home user changes, without a restart. The environment wins, and the page says where."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from catalog.models import Library
from catalog.models.settings import GROUPS, SETTINGS, is_fixed, save_settings, value, written
from catalog.web.permissions import owner_page
from downloads.jobs import queue

AT_START = "The number of downloads at once holds from the next start of Tonekeep, the rest from now on."
RESCAN_AFTER = ("IGNORED_FOLDERS", "PLAYLISTS_FOLDER")  # a change asks for a pass over the music folder
LONGEST = 2000  # characters of a value


@owner_page
def preferences(request: HttpRequest) -> HttpResponse:
    """The form. A value that cannot be used is refused with the environment's own sentence, and nothing is saved."""
    typed = {name: request.POST.get(name, "")[:LONGEST] for name in SETTINGS if name in request.POST}
    problems: dict[str, str] = {}
    if request.method == "POST":
        scanned_by = [value(name) for name in RESCAN_AFTER]
        before = {name: written(name) for name in typed if SETTINGS[name].at_start}
        problems = save_settings(typed)
        if not problems:
            Library.load()
            switches = {name: name in request.POST for name in ("write_playlists", "find_moved")}
            Library.objects.filter(pk=1).update(**switches)
            if [value(name) for name in RESCAN_AFTER] != scanned_by:
                queue.request_reconcile()
            queue.wake()
            waits = any(SETTINGS[name].at_start and written(name) != before.get(name) for name in typed)
            messages.success(request, "Saved. " + (AT_START if waits else "It holds from now on."))
            return redirect("preferences")
    context = {
        "section": "settings",
        "groups": [
            (group, title, [_field(name, typed, problems) for name in SETTINGS if SETTINGS[name].group == group])
            for group, title in GROUPS.items()
        ],
        "library": Library.load(),
        "music_dir": settings.MUSIC_DIR,
        "wrong": bool(problems),
    }
    return render(request, "settings/preferences.html", context, status=400 if problems else 200)


def _field(name: str, typed: dict[str, str], problems: dict[str, str]) -> dict[str, Any]:
    definition = SETTINGS[name]
    return {
        "name": name,
        "label": definition.label,
        "help": definition.help,
        "choices": definition.choices,
        "suggested": definition.suggested(),
        "at_start": definition.at_start,
        "lines": definition.lines,
        "value": typed.get(name, written(name)),
        "fixed": is_fixed(name),
        "problem": problems.get(name, ""),
    }
