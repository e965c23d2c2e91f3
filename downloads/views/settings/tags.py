"""`/tags`: what the catalog says otherwise than the tags in files, and writing it there."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.models import JobRequest, Library, Run
from catalog.reports.status import latest_run
from catalog.text.humanize import count
from catalog.text.row_ids import id_from
from catalog.web.confirm import CONFIRM_ABOVE, confirmation, confirmed
from catalog.web.permissions import owner_button, owner_page
from downloads.jobs import queue
from downloads.publishing import retag

SCAN_LIMIT = 30  # files of the page's plan: a page must not read a million rows


@owner_page
@require_safe
def tags(request: HttpRequest) -> HttpResponse:
    """The plan, and whether tags follow by themselves."""
    plan = retag.plan(most=SCAN_LIMIT)
    files = plan.files + plan.unknown + plan.foreign
    context = {
        "section": "settings",
        "library": Library.load(),
        "artist_ways": Library.ArtistTag.choices,
        "plan": plan,
        "files": files,
        "not_all": files == SCAN_LIMIT,
        "may_undo": retag.last_run() is not None,
        "waiting": next(filter(JobRequest.objects.is_waiting, queue.RETAGS), ""),
        "pass_runs": _pass_runs(),
    }
    return render(request, "settings/tags.html", context)


@owner_button
def save(request: HttpRequest) -> HttpResponse:
    """Keep the settings of the page."""
    Library.load()
    ways = Library.ArtistTag.values
    Library.objects.filter(pk=1).update(
        retag=request.POST.get("retag") == "yes",
        write_m3u=request.POST.get("write_m3u") == "yes",
        id3_version=3 if request.POST.get("id3_version") == "3" else 4,
        artist_tag=request.POST["artist_tag"] if request.POST.get("artist_tag") in ways else ways[0],
    )
    messages.success(request, "Saved.")
    return redirect("tags")


@owner_button
def write(request: HttpRequest, kind: str) -> HttpResponse:
    """Write the tags now, or write back what was there before, in the background; many are asked about first."""
    files = id_from(request.POST.get("files", ""))
    if files > CONFIRM_ABOVE and not confirmed(request):
        return confirmation(request, f"Write the tags of {count(files, 'file')}?", "Write them", "It can be undone.")
    queue.request_retag(undo=kind == "undo")
    if _pass_runs():
        messages.success(request, "The music folder is being looked at now. The tags are written when that has ended.")
    else:
        messages.success(request, "The tags are written in the background; the page of events says which.")
    return redirect("tags")


def _pass_runs() -> bool:
    run = latest_run(Run.Kind.RECONCILE, database_clock.now())
    return bool(run and run["running"])
