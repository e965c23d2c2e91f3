"""The page of the bin: what lies in it, and back with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from catalog.db import database_clock
from catalog.models import BinnedFile
from catalog.text.humanize import count
from catalog.web.keyset_pages import asked_page, links
from catalog.web.permissions import keeper_button, keeper_page
from downloads.file_moves import restore, trash
from downloads.jobs import queue
from downloads.models import FormerFile

MAX_ROWS = 200  # rows in one request


@keeper_page
def trash_list(request: HttpRequest) -> HttpResponse:
    """`/bin`: the files in the bin, in the order in which they went. Paged by key."""
    rows = BinnedFile.objects.filter(state__in=[BinnedFile.State.BINNED, BinnedFile.State.RETURNING])
    rows = rows.select_related("track__album").prefetch_related("track__credits__artist")
    page = asked_page(request, rows, ("pk",))
    formers = FormerFile.objects.exclude(state=FormerFile.State.LEAVING).order_by("-moved_at", "-pk")
    formers = formers.select_related("track__album").prefetch_related("track__credits__artist")[: MAX_ROWS + 1]
    context = {"formers": formers[:MAX_ROWS], "more_formers": len(formers) > MAX_ROWS, "most": MAX_ROWS}
    context |= {"section": "library", "now": database_clock.now(), "page": page, "pager": links(request, page)}
    return render(request, "settings/trash.html", context)


@keeper_button
def trash_restore(request: HttpRequest) -> HttpResponse:
    """Ask for some rows, by their ids. Pages move no file: the pass that is asked for here does."""
    return _answer(request, trash.take_back(_ids(request, "row")))


@keeper_button
def trash_restore_former(request: HttpRequest) -> HttpResponse:
    """Ask for files that gave way to other recordings: they are to be their songs' again."""
    by = request.user.get_username()
    return _answer(request, restore.ask_back(_ids(request, "file"), database_clock.now(), by))


def _ids(request: HttpRequest, name: str) -> list[int]:
    ids = [int(text) for text in request.POST.getlist(name)[:MAX_ROWS] if text.isascii() and text.isdigit()]
    return [pk for pk in ids if pk < 1 << 63]


def _answer(request: HttpRequest, asked: int) -> HttpResponse:
    if asked:
        queue.request_reconcile()
        messages.success(request, f"{count(asked, 'file')} will be back in a moment.")
    else:
        messages.success(request, "Nothing to restore: that was done already.")
    return redirect("trash")
