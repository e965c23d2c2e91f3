"""The pages of one artist, one album and one collection: cover, coverage, songs, what is missing."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from catalog.db import database_clock
from catalog.models import Album, Artist, Collection, Credit, Entry, Track, TrackQuerySet
from catalog.reports import status
from catalog.reports.ledger import ledger
from catalog.reports.listings import with_songs
from catalog.web.keyset_pages import asked_page, links
from catalog.web.permissions import may_act, readers_page
from downloads.views.library.coverage import coverage_of

ALBUM_SONGS = 500  # an album has fewer; a hostile one must not fill a page
ARTIST_ALBUMS = 60
COUNTED_TO = 10_000  # places of a collection; the coverage of a larger one costs more than its page


@readers_page
def album(request: HttpRequest, pk: int) -> HttpResponse:
    """`/albums/<id>`: its songs by disc and number."""
    row = get_object_or_404(Album, pk=pk)
    tracks = Track.objects.filter(album=row).order_by(
        F("disc_number").asc(nulls_first=True), F("track_number").asc(nulls_last=True), "pk"
    )
    performer = Artist.objects.filter(key=row.artist.casefold()).first() if row.artist else None
    context = _context(request, tracks, {"album": pk}) | {
        "album": row,
        "performer": performer,
        "rows": status.described(tracks.wanted()[:ALBUM_SONGS]),
        "unwanted": status.described(tracks.not_wanted()[:ALBUM_SONGS]),
        "collections": Collection.objects.filter(entries__track__album=row).distinct()[:6],
    }
    return render(request, "library/album.html", context)


@readers_page
def artist(request: HttpRequest, pk: int) -> HttpResponse:
    """`/artists/<id>`: the albums with songs of theirs, and those songs."""
    row = get_object_or_404(Artist, pk=pk)
    tracks = Track.objects.filter(pk__in=Credit.objects.filter(artist=row).values("track"))
    albums = Album.objects.filter(pk__in=tracks.wanted().values("album")).order_by("-release_date", "pk")
    page = asked_page(request, tracks.wanted().values_list("pk", named=True), ("pk",))
    context = _context(request, tracks, {"artist": pk}) | {
        "artist": row,
        "albums": with_songs(list(albums[:ARTIST_ALBUMS])),
        "pager": links(request, page),
        "rows": status.described(Track.objects.filter(pk__in=[key.pk for key in page.rows]).order_by("pk")),
    }
    return render(request, "library/artist.html", context)


@readers_page
def collection(request: HttpRequest, pk: int) -> HttpResponse:
    """`/collections/<id>`: its places in their order, those without a song with their reason, and the ledger."""
    row = get_object_or_404(Collection, pk=pk)
    page = asked_page(request, row.entries.all(), ("position", "pk"))
    ids = [entry.track_id for entry in page.rows if entry.track_id]
    songs = {song["id"]: song for song in status.described(Track.objects.filter(pk__in=ids))}
    few = row.entries.order_by()[: COUNTED_TO + 1].count() <= COUNTED_TO
    tracks = Track.objects.filter(pk__in=Entry.objects.filter(collection=row).values("track"))
    context = _context(request, tracks if few else Track.objects.none(), {"collection": pk}) | {
        "collection": row,
        "ledger": ledger(Collection.objects.with_ledger().get(pk=pk)) if few else None,
        "places": [(entry, songs.get(entry.track_id)) for entry in page.rows],
        "pager": links(request, page),
    }
    return render(request, "library/collection.html", context)


def _context(request: HttpRequest, tracks: TrackQuerySet, narrowed_to: dict[str, int]) -> dict[str, Any]:
    now = database_clock.now()
    parts = coverage_of(tracks, now, narrowed_to)
    counts = {part.name: part.count for part in parts}
    return {
        "section": "library",
        "now": now,
        "parts": parts,
        "songs": sum(counts.values()),
        "here": counts["downloaded"],
        "retryable": counts["waiting"],
        "review": counts["review"],
        "narrowed_to": narrowed_to,
        "may_act": may_act(request),
    }
