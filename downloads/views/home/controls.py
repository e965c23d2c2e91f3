"""The buttons that start, pause and resume work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from catalog.db import database_clock
from catalog.models import Cluster, Host, Service, Track
from catalog.reports import status
from catalog.storage import hold
from catalog.text.humanize import ahead, count
from catalog.web.confirm import CONFIRM_ABOVE, confirmation, confirmed
from catalog.web.permissions import back, keeper_button
from downloads.jobs import queue as job_queue


@keeper_button
def pause(request: HttpRequest) -> HttpResponse:
    """No new fetch begins until a person says go on; what is being fetched is finished."""
    Service.objects.pause_by_person("audio")
    messages.success(request, "Downloads are paused. What is being downloaded now is finished first.")
    return back(request)


@keeper_button
def resume_service(request: HttpRequest, name: str) -> HttpResponse:
    """End every pause of a service."""
    if name in status.SERVICES:
        Service.objects.go_on(name)
        if name == "spotify":
            job_queue.request_sync()
        job_queue.wake()
        messages.success(request, "It goes on.")
    return back(request)


@keeper_button
def drain_host(request: HttpRequest, name: str) -> HttpResponse:
    """The host fetches nothing new, or fetches again; what it is fetching is finished."""
    drained = request.POST.get("drained") == "yes"
    if Host.objects.filter(name=name).update(drained=drained):
        job_queue.wake()
        messages.success(request, f"{name} downloads nothing new." if drained else f"{name} downloads again.")
    return back(request)


@keeper_button
def forget_host(request: HttpRequest, name: str) -> HttpResponse:
    """Remove a host that is gone. Not one that reports: it would only come back."""
    if Cluster.objects.live(database_clock.now()).filter(host=name).exists():
        messages.error(request, f"{name} is running. Stop Tonekeep there first.")
    else:
        job_queue.forget_host(name)
        messages.success(request, f"{name} is forgotten.")
    return back(request)


@keeper_button
def accept_missing(request: HttpRequest) -> HttpResponse:
    """The vanished files are to be fetched again: the hold ends. Many are asked about first."""
    number = Track.objects.missing().count()
    if number > CONFIRM_ABOVE and not confirmed(request):
        return confirmation(request, f"Download {count(number, 'missing song')} again?", "Download them again")
    hold.release()
    job_queue.wake()
    messages.success(request, "The missing files are downloaded again.")
    return back(request)


@keeper_button
def accept_root(request: HttpRequest) -> HttpResponse:
    """The folder that is there now is the library. A job looks at it: no page touches the music folder."""
    job_queue.request_accept_root()
    messages.success(request, "The folder is being looked at; this page says in a moment whether it could be taken.")
    return back(request)


@keeper_button
def request_job(request: HttpRequest, job: str) -> HttpResponse:
    """Sync or reconcile in the background, now."""
    wishes: dict[str, tuple[Callable[[], Any], str]] = {
        "sync": (job_queue.request_sync, _answer_to_sync(database_clock.now())),
        "reconcile": (job_queue.request_reconcile, "Scanning the music folder in the background."),
    }
    request_it, answer = wishes[job]
    request_it()
    messages.success(request, answer)
    return back(request)


def _answer_to_sync(now: datetime) -> str:
    """What becomes of "Sync now": while Spotify is paused nothing is asked of it."""
    spotify = Service.objects.filter(pk="spotify").first()
    if spotify and spotify.is_paused(now):
        when = ahead(spotify.paused_until, now) if spotify.paused_until else "once somebody presses Go on now"
        return f"Spotify is paused: your library is read {when}."
    return "Reading your library at Spotify in the background."
