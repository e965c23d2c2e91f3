"""`/maintenance`: check the library, make a backup of the catalog and take it along."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.library.audit import KINDS, described
from catalog.models import Run
from catalog.web.permissions import owner_button, owner_page
from downloads.jobs import maintenance

ASKED = {
    Run.Kind.CHECK: "The library is being checked; this page says what was found.",
    Run.Kind.BACKUP: "A backup is being made; it stands here in a moment.",
}


@owner_page
@require_safe
def maintenance_page(request: HttpRequest) -> HttpResponse:
    """What the last check found, and the backups that lie here."""
    check = Run.objects.filter(kind=Run.Kind.CHECK).first()
    copy = Run.objects.filter(kind=Run.Kind.BACKUP).first()
    context = {
        "section": "settings",
        "now": database_clock.now(),
        "check": check,
        "found": _found(check),
        "copy": copy,
        "files": [{"name": path.name, "size": path.stat().st_size} for path in maintenance.backups()],
        "busy": any(run and run.ended_at is None for run in (check, copy)),
    }
    return render(request, "settings/maintenance.html", context)


def _found(check: Run | None) -> list[tuple[str, int, list[str]]]:
    """What does not fit: words, number, the first by name."""
    counts: dict[str, Any] = check.report.get("counts", {}) if check else {}
    return [
        (words, counts[kind], [described(item) for item in check.report["listed"][kind]])
        for kind, words in KINDS.items()
        if check and counts.get(kind)
    ]


@owner_button
def maintenance_ask(request: HttpRequest, work: str) -> HttpResponse:
    """Check the library, or make a backup, in the background."""
    maintenance.ask(work, database_clock.now())
    messages.success(request, ASKED[Run.Kind(work)])
    return redirect("maintenance")


@owner_page
@require_safe
def backup_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A backup, to be saved elsewhere."""
    path = maintenance.backups_folder() / name
    if path not in maintenance.backups():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, content_type="application/octet-stream")
