"""The walls of artists and albums. These pages read rows and nothing else: a music folder that hangs hangs no page."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog.reports.listings import albums, artists, with_songs
from catalog.web.keyset_pages import page_of, query_string
from catalog.web.permissions import readers_page

WORDS = 8  # of a search
# Orders with an index behind them.
ALBUM_SORTS = {"title": ("By title", ("title", "pk")), "newest": ("Newest first", ("-pk",))}


@readers_page
def artist_list(request: HttpRequest) -> HttpResponse:
    """`/artists`: the artists that the counter counts, by name."""
    return _wall(request, artists(), ("key",), "key__contains", "artists")


@readers_page
def album_list(request: HttpRequest) -> HttpResponse:
    """`/albums`: the albums that the counter counts, with their covers."""
    sort = request.GET.get("sort", "")
    sort = sort if sort in ALBUM_SORTS else "title"
    sorts = [(name, label) for name, (label, _) in ALBUM_SORTS.items()]
    return _wall(request, albums(), ALBUM_SORTS[sort][1], "title__icontains", "albums", sort=sort, sorts=sorts)


def _wall(
    request: HttpRequest, rows: QuerySet[Any], by: tuple[str, ...], lookup: str, kind: str, **more: Any
) -> HttpResponse:
    q = request.GET.get("q", "").replace("\0", "")
    for word in q.split()[:WORDS]:
        rows = rows.filter(**{lookup: word.casefold() if kind == "artists" else word})
    page = page_of(rows, by, request.GET.get("after", ""))
    context = {
        "section": "library",
        "rows": with_songs(page.rows),
        "q": q,
        "next": query_string(request, after=page.after) if page.after else "",
        "first": f"{request.path}?{query_string(request, after='')}",
        "after": page.after,
    }
    return render(request, f"library/{kind}.html", {**context, **more})
