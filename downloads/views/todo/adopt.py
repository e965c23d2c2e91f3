"""The page of doubtful files: is this the song? Yes makes the file the track's, no is remembered."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from catalog.db import database_clock
from catalog.library import adopt
from catalog.models import AdoptionMatch
from catalog.text.humanize import count
from catalog.web.keyset_pages import asked_page, links
from catalog.web.permissions import back, keeper_button, keeper_page
from downloads.jobs import queue

SHOWN = 50  # files on a page, each with its song
MAX_ROWS = 200  # answers in one request


@keeper_page
def adoption(request: HttpRequest) -> HttpResponse:
    """`/adopt`: files that may be a missing track's or are better than a track's, as they were found. Paged by key."""
    asked = AdoptionMatch.objects.unanswered()
    rows = asked.select_related("track__album").prefetch_related("track__credits__artist")
    page = asked_page(request, rows, ("pk",), SHOWN)
    context = {"section": "todo", "page": page, "pager": links(request, page)}
    return render(request, "todo/adopt.html", context)


@keeper_button
def adoption_answer(request: HttpRequest) -> HttpResponse:
    """Yes or no to some rows, by their ids. An id that is none, or is answered already, changes nothing."""
    ids = [int(text) for text in request.POST.getlist("row")[:MAX_ROWS] if text.isascii() and text.isdigit()]
    ids = [pk for pk in ids if pk < 1 << 63]
    if request.POST.get("answer") == "yes":
        adopted = adopt.accept(ids, database_clock.now(), request.user.get_username())
        queue.request_reconcile()  # pages look at no file: whether it still is there, the pass finds out
        answer = f"{count(adopted, 'file')} recognised." if adopted else "That was answered already."
    else:
        answer = f"{count(adopt.reject(ids, database_clock.now()), 'file')} left alone. You are not asked again."
    messages.success(request, answer)
    return back(request) if request.POST.get("next") else redirect("adopt")
