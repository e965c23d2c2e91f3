"""Artists and albums. These pages read rows and nothing else: a music folder that hangs never hangs a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog.reports.listings import albums, artists, with_songs
from catalog.web.keyset_pages import page_of, query_string
from catalog.web.permissions import readers_page


@readers_page
def artist_list(request: HttpRequest) -> HttpResponse:
    """`/artists`: the artists that the counter counts."""
    return _names(request, artists(), ("key",), "artist", "Artists")


@readers_page
def album_list(request: HttpRequest) -> HttpResponse:
    """`/albums`: the albums that the counter counts."""
    return _names(request, albums(), ("title", "pk"), "album", "Albums")


def _names(request: HttpRequest, rows: Any, by: tuple[str, ...], parameter: str, title: str) -> HttpResponse:
    page = page_of(rows, by, request.GET.get("after", ""))
    shown = {
        "section": "tracks",
        "title": title,
        "parameter": parameter,
        "rows": with_songs(page.rows),
        "next": query_string(request, after=page.after) if page.after else "",
        "after": page.after,
    }
    return render(request, "library/artists_albums.html", shown)
