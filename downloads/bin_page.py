"""The page of the bin: what lies in it, and back with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode

from catalog.access import staff_button, staff_page
from catalog.models import BinnedFile
from catalog.paging import page_of
from catalog.wording import count
from downloads import bin, jobs

MOST = 200  # rows in one request


@staff_page
def bin_page(request: HttpRequest) -> HttpResponse:
    """`/bin`: the files in the bin, in the order in which they went. Paged by key."""
    rows = BinnedFile.objects.filter(state__in=[BinnedFile.State.BINNED, BinnedFile.State.RETURNING])
    rows = rows.select_related("track__album").prefetch_related("track__credits__artist")
    page = page_of(rows, ("pk",), request.GET.get("after", ""))
    following = {"first": request.path, "next": urlencode({"after": page.after})}
    return render(request, "bin.html", {"section": "tracks", "now": timezone.now(), "page": page, **following})


@staff_button
def take_back(request: HttpRequest) -> HttpResponse:
    """Ask for some rows, by their ids. Pages move no file: the pass that is asked for here does."""
    ids = [int(text) for text in request.POST.getlist("row")[:MOST] if text.isascii() and text.isdigit()]
    asked = bin.take_back([pk for pk in ids if pk < 1 << 63])
    if asked:
        jobs.request_reconcile()
        messages.success(request, f"{count(asked, 'file')} will be back in a moment.")
    else:
        messages.success(request, "Nothing to change: somebody else was first.")
    return redirect("bin")
