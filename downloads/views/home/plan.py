"""`/plan`: what is here already, what a person is asked about, what is fetched once they press Start."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from catalog.db import database_clock
from catalog.library.make_plan import accept_bin, accept_plan
from catalog.models import JobRequest, Library, Run
from catalog.reports import plan, status
from catalog.reports.coverage import Part
from catalog.text.humanize import count
from catalog.text.row_ids import ids_from
from catalog.web.permissions import back, keeper_button, keeper_page
from downloads.jobs import queue
from downloads.search.estimate import estimate

SHOWN_FILES = 20  # that a person is asked about at once
SHOWN = 8  # songs of each list; the number leads to all
STILL_LOOKING = "The plan is not made yet: the music folder is still being looked through."


@keeper_page
def plan_page(request: HttpRequest) -> HttpResponse:
    """The plan, or how far the look through the folder is."""
    now = database_clock.now()
    current = plan.plan()
    last = plan.seen_up_to(Library.current(), waits=not current.accepted)
    songs = plan.planned(last)
    asked = plan.matches(last)
    context = {
        "section": "home",
        "now": now,
        "plan": current,
        "phase": phase(current),
        "look": plan.look_under_way(now),
        "sync": status.latest_run(Run.Kind.SYNC, now),
        "problem": _problem(),
        "parts": _parts(current),
        "found_by": plan.found_by(last),
        "last_found": plan.LAST_FOUND,
        "matches": asked.select_related("track__album")
        .prefetch_related("track__credits__artist")
        .order_by("pk")[:SHOWN_FILES],
        "files": asked.count(),
        "here": status.described(plan.here(songs).order_by("pk")[:SHOWN]),
        "fetch": status.described(plan.to_fetch(songs).missing().order_by("pk")[:SHOWN]),
        "estimate": estimate(current.fetch, current.milliseconds),
        "others": _others(),
        "to_bin": plan.to_let_go(),
    }
    return render(request, "home/plan.html", context)


def phase(current: plan.Plan) -> str:
    """ "empty" without a song, "looking" while the folder is looked through, else "ready", or "accepted"."""
    now = database_clock.now()
    if not current.songs and not plan.planned().exists():
        sync = status.latest_run(Run.Kind.SYNC, now)
        waits = (sync and sync["running"]) or JobRequest.objects.is_waiting("sync") or _imports_wait()
        return "looking" if waits else "empty"
    if plan.look_under_way(now) or JobRequest.objects.is_waiting("look"):
        return "looking"
    if current.accepted:
        return "accepted"
    return "ready" if plan.is_looked_for() else "looking"


def _imports_wait() -> bool:
    return Run.objects.filter(kind=Run.Kind.IMPORT, ended_at=None).exists()


def _problem() -> str:
    """Why the last look did not reach its end."""
    last = Run.objects.filter(kind=Run.Kind.ADOPT).first()
    return last.problem if last else ""


def _others() -> list[str]:
    last = plan.last_look()
    return last.report.get("other_files", []) if last else []


def _parts(current: plan.Plan) -> list[Part]:
    lists = (("here", "ok", "here already"), ("ask", "ask", "to look at"), ("fetch", "busy", "to download"))
    return [
        Part(name, mood, label, getattr(current, name), f"/tracks?status=plan_{name}") for name, mood, label in lists
    ]


@keeper_button
def accept(request: HttpRequest) -> HttpResponse:
    """Start: what the person has seen is fetched. Songs that came meanwhile count as new ones."""
    current = plan.plan()
    if phase(current) != "ready":
        messages.error(request, STILL_LOOKING if not current.accepted else "The plan was accepted already.")
        return redirect("plan")
    seen = ids_from([request.POST.get("up_to", "")])
    accept_plan(seen[0] if seen else current.up_to)
    queue.wake()
    messages.success(
        request, f"{count(current.fetch, 'song')} to download: it begins now." if current.fetch else "All is here."
    )
    return redirect("status")


@keeper_button
def accept_leaving(request: HttpRequest) -> HttpResponse:
    """The files of songs that nothing holds any more may go to the bin, though they are many."""
    accept_bin()
    queue.request_reconcile()
    messages.success(request, "They go to the bin now, from where they can be restored.")
    return redirect("plan")


@keeper_button
def look_again(request: HttpRequest) -> HttpResponse:
    """Look through the music folder for songs that are here already."""
    queue.request_look()
    messages.success(request, "The music folder is looked through again.")
    return back(request) if request.POST.get("next") else redirect("plan")
