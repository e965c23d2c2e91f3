"""The lists of songs behind the numbers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from catalog.models import Album, Artist, Collection
from catalog.reports.listings import LISTINGS, narrowed
from catalog.web.keyset_pages import page_of, query_string
from catalog.web.permissions import may_act, readers_page

NARROWED_BY = {"artist": Artist, "album": Album, "collection": Collection}


@readers_page
def songs(request: HttpRequest) -> HttpResponse:
    """`/tracks?status=…`: the rows behind a number, narrowed by artist, album, collection, error kind or words."""
    now = timezone.now()
    asked = request.GET.dict()
    listing = LISTINGS.get(asked.get("status", ""), LISTINGS["songs"])
    rows = narrowed(listing.rows(now), asked).select_related("album").prefetch_related("credits__artist")
    page = page_of(rows, listing.by, asked.get("after", ""))
    shown = {
        "section": "tracks",
        "now": now,
        "listing": listing,
        "listings": LISTINGS.values(),
        "page": page,
        "q": asked.get("q", ""),
        "of": _narrowed_to(asked),
        "error": asked.get("error", ""),
        "next": query_string(request, after=page.after),
        "kept": {name: asked[name] for name in (*NARROWED_BY, "error") if asked.get(name)},
        "may_act": may_act(request),
    }
    return render(request, "library/songs.html", shown)


def _narrowed_to(asked: dict[str, str]) -> Artist | Album | Collection | None:
    """The artist, album or collection that the list is narrowed to."""
    name = next((name for name in NARROWED_BY if asked.get(name, "").isascii() and asked.get(name, "").isdigit()), None)
    if name is None or len(asked[name]) > 18:
        return None
    return NARROWED_BY[name].objects.filter(pk=int(asked[name])).first()  # type: ignore[attr-defined, no-any-return]
