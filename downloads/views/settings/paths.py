"""Where files belong: the path template, what it makes of real songs, and moving the files that are here already."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.models import Library, Track
from catalog.models.settings import value
from catalog.music import path_template
from catalog.scanning import ignored
from catalog.text.humanize import count
from catalog.text.row_ids import id_from
from catalog.web.confirm import confirmation, confirmed
from catalog.web.permissions import owner_button, owner_page
from downloads.file_moves import rename_plan
from downloads.jobs import queue
from downloads.models import MoveBatch
from downloads.publishing import target_path

LONGEST = 500  # characters of a template
SCAN_LIMIT = 30  # files that the page's plan looks at: a page must not read a million rows
NEWEST = 500  # songs among which the preview looks for its examples

# What a preset is called, in the order shown.
PRESETS = {
    "navidrome": "Artist / Album (year): Navidrome, Jellyfin, Plex",
    "beets": "The defaults of beets",
    "flat": "One folder, for sticks and cars",
}
# The songs of a preview: those whose names are most likely to surprise, and a few plain ones.
AWKWARD: tuple[tuple[str, Q, str, int], ...] = (
    ("of a compilation", Q(album__compilation=True), "pk", 2),
    ("of several discs", Q(disc_number__gt=1), "pk", 2),
    ("without an album", Q(album=None), "pk", 1),
    ("with a long title", Q(), "-long", 2),
    ("added last", Q(), "-pk", 4),
)


@owner_page
@require_safe
def paths(request: HttpRequest) -> HttpResponse:
    """`/paths`: the template with a preview on real songs. ``template`` tries one out, without saving it."""
    current = Library.load().path_template or path_template.DEFAULT_TEMPLATE
    tried = request.GET.get("template", "").strip()[:LONGEST] or current
    try:
        path_template.check_template(tried)
        problem = ""
    except path_template.TemplateError as error:
        problem = str(error)
    context = {
        "section": "settings",
        "current": current,
        "tried": tried,
        "problem": problem,
        "presets": [(PRESETS[name], template) for name, template in path_template.PRESETS.items()],
        "fields": path_template.FIELDS.items(),
        "songs": [] if problem else _preview(tried),
        "plan": None if problem else rename_plan.plan(tried, most=SCAN_LIMIT),
        "looked_at": SCAN_LIMIT,
        "moving": MoveBatch.objects.filter(ended_at=None).first(),
        "last": MoveBatch.objects.exclude(ended_at=None).order_by("-pk").first(),
        "may_undo": rename_plan.last_applied() is not None,
        "now": database_clock.now(),
    }
    return render(request, "settings/paths.html", context)


def _preview(template: str) -> list[dict[str, Any]]:
    """Real songs with the place that the template gives them and, where they have one, their place now."""
    examples: dict[int, dict[str, Any]] = {}
    older = Track.objects.order_by("-pk").values_list("pk", flat=True)[NEWEST : NEWEST + 1]
    newest = Track.objects.wanted().filter(pk__gt=next(iter(older), 0))
    for why, condition, by, most in AWKWARD:
        rows = newest.filter(condition)
        if by == "-long":
            rows = rows.annotate(long=Length("title"))
        for track in rows.select_related("album", "folder").prefetch_related("credits__artist").order_by(by)[:most]:
            examples.setdefault(track.pk, _song(track, template, why))
    return list(examples.values())


def _song(track: Track, template: str, why: str) -> dict[str, Any]:
    ending = track.file_name.rpartition(".")[2] if "." in track.file_name else "mp3"
    place = path_template.relative_place(target_path.path_fields(track), ending, template)
    place = ignored.outside(place, value("IGNORED_FOLDERS"))
    here = track.status == Track.Status.DOWNLOADED and track.folder
    now = "/".join(part for part in (track.folder.path, track.file_name) if part) if here and track.folder else ""
    return {"track": track, "why": why, "place": place, "now": now if now != place else ""}


@owner_button
def save(request: HttpRequest) -> HttpResponse:
    """Use this template for every file that is fetched from now on. Files that are here stay where they are."""
    template = request.POST.get("template", "").strip()
    try:
        if len(template) > LONGEST:
            raise path_template.TemplateError(f"The template is longer than {LONGEST} characters.")
        path_template.check_template(template)
    except path_template.TemplateError as error:
        messages.error(request, str(error))
        return redirect("paths")
    Library.load()
    Library.objects.filter(pk=1).update(path_template=template)
    messages.success(request, "New files are named by this template. Files that are here stay where they are.")
    return redirect("paths")


@owner_button
def move(request: HttpRequest, kind: str) -> HttpResponse:
    """Move the files that are here to their places, or back, in the background, after a question."""
    files = count(id_from(request.POST.get("files", "")), "file") if request.POST.get("files") else "the files"
    if not confirmed(request):
        question = f"Move {files} back?" if kind == "undo" else f"Move {files} to their new names?"
        return confirmation(
            request, question, "Move them", "Songs stay playable under their new names; it can be undone."
        )
    try:
        rename_plan.ask(kind, database_clock.now())
    except rename_plan.CannotMove as error:
        messages.error(request, str(error))
    else:
        queue.request_move()
        messages.success(request, "The files are moved in the background.")
    return redirect("paths")
