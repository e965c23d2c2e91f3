"""What the API answers without changing anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page
from ninja import Path, Query, Router
from ninja.decorators import decorate_view

from catalog.db import database_clock
from catalog.db.snapshot_read import snapshot_read
from catalog.models import Collection, Event, Library, Track
from catalog.reports import plan, status
from catalog.reports.ledger import ledger
from catalog.reports.listings import BY_DUE, LISTINGS, narrowed
from catalog.web.keyset_pages import page_of
from catalog.web.permissions import may_act
from downloads.api import schemas
from downloads.api.auth import NotAllowed, Reader, may_see_paths
from downloads.api.kept_status import status_body, to_admitted
from downloads.health.report import health_report

router = Router(auth=Reader(), tags=["questions"])

LARGEST_ID = 2**63 - 1
EVENTS = 200  # of one answer
HISTORY = 50  # events of one song
CANDIDATES = 30

# An ETag of the answer: who polls an unchanged one gets 304 without a body.
with_etag = decorate_view(conditional_page, cache_control(private=True, no_cache=True))

RowId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Word = Annotated[str, Query(max_length=200)]


@router.get("/status", response=schemas.Status)
@decorate_view(to_admitted, conditional_page, cache_control(private=True, no_cache=True))
def read_status(request: HttpRequest) -> HttpResponse:
    """The counters, the queue, the services, and the state of everything in one sentence."""
    return HttpResponse(status_body(database_clock.now()), content_type="application/json")


@router.get("/queue", response=schemas.QueuePage)
@with_etag
def read_queue(request: HttpRequest, view: Word = "ready", after: Word = "") -> dict[str, Any]:
    """What is due now (``view=ready``) or waits for its next try (``view=cooling``), the first one first."""
    now = database_clock.now()
    listing = LISTINGS[view if view in ("ready", "cooling") else "ready"]
    with snapshot_read():
        missing, cooling = Track.objects.counts()["missing"], Track.objects.cooling(now).count()
        keys = listing.rows(now).values_list(*BY_DUE, named=True)
        page = page_of(keys, BY_DUE, after, size=status.ITEMS)
        items = status.described(Track.objects.filter(pk__in=[key.pk for key in page.rows]).order_by(*BY_DUE))
    return {"ready": missing - cooling, "cooling": cooling, "items": items, "after": page.after}


@router.get("/health", response=schemas.Health)
@with_etag
def read_health(request: HttpRequest) -> dict[str, Any]:
    """The checks of the page Health, what needs attention first; for tokens of persons who may press the buttons."""
    if not may_act(request):
        raise NotAllowed
    return health_report(database_clock.now()).as_dict()


@router.get("/plan", response=schemas.PlanOut)
@with_etag
def read_plan(request: HttpRequest) -> plan.Plan:
    """What is here already, what a person is asked about, and what is fetched once the plan is accepted."""
    return plan.plan()


@router.get("/tracks", response=schemas.SongPage)
@with_etag
def list_songs(
    request: HttpRequest,
    status: Word = "songs",
    artist: Word = "",
    album: Word = "",
    collection: Word = "",
    error: Word = "",
    q: Word = "",
    after: Word = "",
) -> dict[str, Any]:
    """Songs by state (songs, missing, downloading, downloaded, failed, ready, cooling, not_wanted) and filters."""
    listing = LISTINGS.get(status, LISTINGS["songs"])
    filters = {"artist": artist, "album": album, "collection": collection, "error": error, "q": q}
    rows = narrowed(listing.rows(database_clock.now()), filters).select_related("album")
    page = page_of(rows, listing.by, after)
    return {"items": _songs(page.rows, request), "after": page.after}


@router.get("/tracks/{track_id}", response=schemas.SongDetails)
@with_etag
def read_song(request: HttpRequest, track_id: RowId) -> dict[str, Any]:
    """One song with the recordings found for it, what happened to it, and where it comes from."""
    track = Track.objects.select_related("album").filter(pk=track_id).first()
    if track is None:
        raise Http404
    (song,) = _songs([track], request)
    names = track.entries.order_by("collection__name").values_list("collection__name", flat=True)
    return {
        **song,
        "candidates": list(track.candidates.all()[:CANDIDATES]),
        "events": list(track.events.all()[:HISTORY]),
        "collections": list(dict.fromkeys(names)),
    }


@router.get("/collections", response=schemas.CollectionPage)
@with_etag
def list_collections(request: HttpRequest, after: Word = "") -> dict[str, Any]:
    """Liked songs, playlists, albums and imported files, with their ledgers."""
    page = page_of(Collection.objects.all(), ("pk",), after)
    ids = [row.pk for row in page.rows]
    here = Count("entries__track", distinct=True, filter=Q(entries__track__status=Track.Status.DOWNLOADED))
    counts = dict(Collection.objects.filter(pk__in=ids).annotate(here=here).values_list("pk", "here"))
    rows = Collection.objects.with_ledger().filter(pk__in=ids).order_by("pk")
    return {"items": [{"id": row.pk, **ledger(row), "here": counts[row.pk]} for row in rows], "after": page.after}


@router.get("/events", response=schemas.EventPage)
@with_etag
def list_events(request: HttpRequest, after: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0) -> dict[str, Any]:
    """What happened after the event with the id ``after``, the oldest first."""
    events = list(Event.objects.filter(pk__gt=after).order_by("pk")[:EVENTS])
    return {"items": events, "after": events[-1].pk if events else after}


def _songs(tracks: Iterable[Track], request: HttpRequest) -> list[dict[str, Any]]:
    """Tracks as `schemas.Song`: two more queries for all of them."""
    rows = list(tracks)
    artists = status.billed(row.pk for row in rows)
    last_pass = Library.objects.filter(pk=1).values_list("last_pass", flat=True).first()
    paths = may_see_paths(request)
    columns = schemas.Song.model_fields.keys() - {"artists", "album", "last_seen", "local_path"}
    return [
        {
            **{name: getattr(row, name) for name in columns},
            "artists": artists.get(row.pk, []),
            "album": row.album.title if row.album else "",
            "last_seen": row.effective_last_seen(last_pass),
            "local_path": row.local_path if paths else "",
        }
        for row in rows
    ]
