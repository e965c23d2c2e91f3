"""The queue, one track's own page, and every button that makes workers do something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from catalog.models import Library, Service, Track
from catalog.reports import status
from catalog.reports.listings import BY_DUE, LISTINGS, last_events
from catalog.storage import state as storage
from catalog.text.humanize import count
from catalog.tracks import transitions
from catalog.web.keyset_pages import page_of
from catalog.web.permissions import may_act, readers_page, staff_button, wants_json
from downloads.failures.kinds import ERROR_KINDS
from downloads.jobs import tasks

QUEUE_VIEWS = ("ready", "cooling")


@readers_page
def queue(request: HttpRequest) -> HttpResponse:
    """`/queue?view=ready|cooling`: a page to a browser, JSON by Accept. Paged by key: ``after`` is the answer's own."""
    now = timezone.now()
    view = request.GET.get("view", "ready")
    listing = LISTINGS[view if view in QUEUE_VIEWS else "ready"]
    with status.snapshot_read():
        missing, cooling = Track.objects.counts()["missing"], Track.objects.cooling(now).count()
        keys = listing.rows(now).values_list(*BY_DUE, named=True)
        page = page_of(keys, BY_DUE, request.GET.get("after", ""), size=status.ITEMS)
        items = status.described(Track.objects.filter(pk__in=[key.pk for key in page.rows]).order_by(*BY_DUE))
    counts = {"ready": missing - cooling, "cooling": cooling}
    if wants_json(request):
        return JsonResponse({**counts, "view": listing.name, "items": items, "after": page.after})
    shown = {"section": "queue", "now": now, "counts": counts, "listing": listing, "items": items, "page": page}
    return render(request, "queue.html", {**shown, "may_act": may_act(request), "kinds": ERROR_KINDS})


@readers_page
def track(request: HttpRequest, pk: int) -> HttpResponse:
    """`/tracks/<id>`: everything that is known of one track, and why it is not here if it is not."""
    found = get_object_or_404(Track.objects.select_related("album").prefetch_related("credits__artist"), pk=pk)
    library = Library.objects.filter(pk=1).first()
    last_pass = library.last_pass if library else None
    here = found.status == Track.Status.DOWNLOADED
    shown = {
        "section": "tracks",
        "now": timezone.now(),
        "track": found,
        "kind": ERROR_KINDS.get(found.error_kind),
        # An unchanged library costs no writes: what is on disk was seen by the last completed pass.
        "last_seen": max(filter(None, (found.last_seen, last_pass)), default=None) if here else found.last_seen,
        "events": last_events(found),
        "candidates": found.candidates.all()[:30] if may_act(request) else [],
        "entries": found.entries.select_related("collection")[:30],
        "may_act": may_act(request),
    }
    return render(request, "track.html", shown)


# --- Buttons ----------------------------------------------------------------------------------------------


def _back(request: HttpRequest) -> HttpResponse:
    """To the page that the button stands on."""
    at = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(at, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return redirect(at if safe else "/")


# What a button does to a track, and what is said afterwards.
TRACK_BUTTONS: dict[str, tuple[Callable[..., int], str]] = {
    "retry": (transitions.retry, "It is tried again now."),
    "ignore": (transitions.ignore, "It is ignored from now on. Its file stays where it is."),
    "want": (transitions.want_again, "It is wanted again."),
}


@staff_button
def change_track(request: HttpRequest, pk: int, deed: str) -> HttpResponse:
    """Try again now, ignore, want again."""
    change, said = TRACK_BUTTONS[deed]
    changed = change(Track.objects.filter(pk=pk), timezone.now(), f"by {request.user.get_username()}")
    tasks.wake()
    messages.success(request, said if changed else "Nothing to change: somebody else was first.")
    return _back(request)


@staff_button
def retry_failed(request: HttpRequest) -> HttpResponse:
    """Try all failed tracks again now."""
    changed = transitions.retry(Track.objects.failed(), timezone.now(), f"by {request.user.get_username()}")
    tasks.wake()
    messages.success(request, f"{count(changed, 'song')} are tried again now." if changed != 1 else "1 song is tried.")
    return _back(request)


@staff_button
def pause(request: HttpRequest) -> HttpResponse:
    """No new fetch begins until a person says go on; what is being fetched is finished."""
    Service.objects.pause_by_person("audio")
    messages.success(request, "Fetching is paused. What is being fetched now is finished first.")
    return _back(request)


@staff_button
def go_on(request: HttpRequest, name: str) -> HttpResponse:
    """End every pause of a service."""
    if name in status.SERVICES:
        Service.objects.go_on(name)
        tasks.wake()
        messages.success(request, "It goes on.")
    return _back(request)


@staff_button
def accept_missing(request: HttpRequest) -> HttpResponse:
    """The vanished files are to be fetched again: the hold ends."""
    storage.release_hold()
    tasks.wake()
    messages.success(request, "The missing files are fetched again.")
    return _back(request)


@staff_button
def accept_root(request: HttpRequest) -> HttpResponse:
    """The folder that is there now is the library. A job looks at it: no page touches the music folder."""
    tasks.request_accept_root()
    messages.success(request, "The folder is being looked at; this page says in a moment whether it could be taken.")
    return _back(request)


@staff_button
def ask_for(request: HttpRequest, job: str) -> HttpResponse:
    """Sync or reconcile in the background, now."""
    wishes: dict[str, tuple[Callable[[], Any], str]] = {
        "sync": (tasks.request_sync, "The library is read again in the background."),
        "reconcile": (tasks.request_reconcile, "The music folder is looked at in the background."),
    }
    request_it, said = wishes[job]
    request_it()
    messages.success(request, said)
    return _back(request)
