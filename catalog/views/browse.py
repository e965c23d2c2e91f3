"""The walls of artists and albums. These pages read rows and nothing else: a music folder that hangs hangs no page."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog.reports.listings import albums, artists, with_songs
from catalog.text.sort_key import sort_key
from catalog.web.keyset_pages import asked_page, links
from catalog.web.permissions import readers_page

WORDS = 8  # of a search
# Orders with an index behind them.
SORTS = {"name": ("By name", ("sort_key", "pk")), "newest": ("Newest first", ("-pk",))}
LETTERS = (*ascii_lowercase, "zz")  # "zz": what comes after the Latin letters


@readers_page
def artist_list(request: HttpRequest) -> HttpResponse:
    """`/artists`: the artists that the counter counts."""
    return _wall(request, artists(), "artists")


@readers_page
def album_list(request: HttpRequest) -> HttpResponse:
    """`/albums`: the albums that the counter counts, with their covers."""
    return _wall(request, albums(), "albums")


def _wall(request: HttpRequest, rows: QuerySet[Any], kind: str) -> HttpResponse:
    """One page, narrowed by words, from a letter on; the letters are left out where there is but one page."""
    q, sort = request.GET.get("q", "").replace("\0", ""), request.GET.get("sort", "")
    sort = sort if sort in SORTS else "name"
    for word in q.split()[:WORDS]:
        rows = rows.filter(_holds(kind, word))
    letter = request.GET.get("from", "")
    letter = letter if sort == "name" and letter in LETTERS else ""
    if letter:
        rows = rows.filter(sort_key__gte=letter)
    page = asked_page(request, rows, SORTS[sort][1])
    pager = links(request, page)
    several = letter or pager["next"] or pager["first"]
    context = {
        "section": "library",
        "rows": with_songs(page.rows),
        "q": q,
        "sort": sort,
        "sorts": [(name, label) for name, (label, _) in SORTS.items()],
        "letters": LETTERS if sort == "name" and several else (),
        "letter": letter,
        "pager": pager,
    }
    return render(request, f"library/{kind}.html", context)


def _holds(kind: str, word: str) -> Q:
    """The condition that a name holds a word, in any case, with or without its accents."""
    exact = Q(key__contains=word.casefold()) if kind == "artists" else Q(title__icontains=word)
    return exact | Q(sort_key__contains=sort_key(word))
