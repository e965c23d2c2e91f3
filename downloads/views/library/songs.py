"""`/tracks`: the lists of songs behind the numbers, filtered, sorted, as a page or as CSV, with actions for many."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from catalog.db import database_clock
from catalog.models import Album, Artist, Collection, Track, TrackQuerySet
from catalog.reports import status
from catalog.reports.listings import Listing, narrowed
from catalog.reports.song_orders import ORDERS, Order, page_of_songs
from catalog.text.humanize import AtLeast, count
from catalog.text.row_ids import ids_from
from catalog.web.confirm import CONFIRM_ABOVE, confirmation, confirmed
from catalog.web.keyset_pages import Page, counted_to, links
from catalog.web.permissions import back, keeper_button, keeper_page, may_act, readers_page
from downloads.failures.kinds import ERROR_KINDS
from downloads.jobs import queue as job_queue
from downloads.views.library.coverage import LISTS
from downloads.views.library.track import TRACK_BUTTONS

NARROWED_BY = {"artist": Artist, "album": Album, "collection": Collection}
FILTERS = (*NARROWED_BY, "error", "host", "since", "q")
OPPOSITE = {"ignore": "want", "want": "ignore"}
UNDO = "undo_songs"  # in the session: what takes the last change of many songs back, and their ids
UNDO_SONGS = 1_000  # more are not kept there
OF_MISSING = {"missing", "failed", "ready", "cooling", "up_next", "waiting", "review", "plan_ask", "plan_fetch"}
# The chips above the list, in their order; the other lists are reached from their numbers.
CHIPS = ("songs", "downloaded", "downloading", "up_next", "waiting", "review", "failed", "missing", "not_wanted")
COUNTED_TO = 2_000  # songs: the number stands beside the title of a list up to so many
SMALL = ("downloading", "waiting", "review", "failed")  # chips with their numbers, where they are below this
SMALL_TO = 1_000
CSV_COLUMNS = ("title", "artists", "album", "status", "last_error", "retry_after", "spotify_id", "isrc")
CSV_BATCH = 500
# Button and outcome of an action for many songs.
BULK_WORDS = {
    "retry": ("Try again now", "tried again now"),
    "ignore": ("Stop trying", "not tried any more; files stay where they are"),
    "want": ("Download again", "wanted again"),
}


@readers_page
def songs(request: HttpRequest) -> HttpResponse:
    """One page of a list, narrowed by artist, album, collection, kind of error or words."""
    now = database_clock.now()
    query = request.GET.dict()
    listing = _listing(query)
    order = _order(query, listing)
    tracks = narrowed(listing.rows(now), query)
    page = page_of_songs(tracks, order, query.get("after", ""), query.get("before", ""))
    ids = [row.pk for row in page.rows]
    described = {song["id"]: song for song in status.described(Track.objects.filter(pk__in=ids))}
    pager = links(request, page)
    kept = {name: query[name] for name in FILTERS if query.get(name)}
    context = {
        "section": "library",
        "now": now,
        "listing": listing,
        "chips": [(LISTS[name], _small(name, now) if not kept else None) for name in CHIPS],
        "number": _number_of(tracks, query, page, bool(pager["first"])),
        "pager": pager,
        "rows": [described[pk] for pk in ids if pk in described],
        "q": query.get("q", ""),
        "of": _narrowed_to(query),
        "error": ERROR_KINDS.get(query.get("error", "")),
        "kept": kept,
        "sort": order.name,
        "week": f"{timezone.localtime(now) - timedelta(days=7):%Y-%m-%d}",
        "undo": _undo(request),
        "orders": [one for one in ORDERS.values() if _fits(one, listing)],
        "may_act": may_act(request),
    }
    return render(request, "library/songs.html", context)


def _listing(query: dict[str, str]) -> Listing:
    return LISTS.get(query.get("status", ""), LISTS["songs"])


def _order(query: dict[str, str], listing: Listing) -> Order:
    asked = ORDERS.get(query.get("sort", ""))
    return asked if asked and _fits(asked, listing) else ORDERS["due" if len(listing.by) > 1 else "newest"]


def _fits(order: Order, listing: Listing) -> bool:
    """Whether there is an index that gives this list in this order: a million rows are never sorted."""
    if order.of_failed:
        return listing.name in ("failed", "review")
    return not order.of_missing or listing.name in OF_MISSING


def _number_of(tracks: TrackQuerySet, query: dict[str, str], page: Page, moved: bool) -> int | None:
    """How many songs the list has; None where that would cost too much to count: a second search for words say."""
    if not moved and not page.after:
        return len(page.rows)
    if query.get("q") or query.get("since") or query.get("status") == "plan_fetch":
        return None
    number = counted_to(COUNTED_TO, tracks)
    return None if isinstance(number, AtLeast) else number


def _small(name: str, now: datetime) -> int | None:
    """The number of a list that is mostly short, for its chip; None where it is not."""
    number = LISTS[name].rows(now).order_by()[:SMALL_TO].count() if name in SMALL else SMALL_TO
    return number if number < SMALL_TO else None


def _narrowed_to(query: dict[str, str]) -> Artist | Album | Collection | None:
    """The artist, album or collection that the list is narrowed to."""
    name = next((name for name in NARROWED_BY if ids_from([query.get(name, "")])), None)
    if name is None:
        return None
    return NARROWED_BY[name].objects.filter(pk__in=ids_from([query[name]])).first()  # type: ignore[attr-defined, no-any-return]


@keeper_button
def change_songs(request: HttpRequest) -> HttpResponse:
    """Try again, ignore or want again: the chosen songs, or all that the list's filters name."""
    action = request.POST.get("action", "")
    if action not in TRACK_BUTTONS:
        return back(request)
    label, outcome = BULK_WORDS[action]
    tracks = _chosen(request)
    number = tracks.count()
    if number > CONFIRM_ABOVE and not confirmed(request):
        return confirmation(request, f"{label}: {count(number, 'song')}?", label)
    ids = _kept_for_undo(tracks, action)
    changed = TRACK_BUTTONS[action][0](tracks, database_clock.now(), by=request.user.get_username())
    job_queue.wake()
    request.session.pop(UNDO, None)
    if ids and "undo" not in request.POST:
        request.session[UNDO] = {"action": OPPOSITE[action], "songs": ids}
    messages.success(request, f"{count(changed, 'song')} {outcome}.")
    return back(request)


def _kept_for_undo(tracks: TrackQuerySet, action: str) -> list[int]:
    """The songs that the action will change, where its opposite gives back what was and they are not too many."""
    if action not in OPPOSITE:
        return []
    rows = tracks.filter(ignored=action == "want").order_by().values_list("pk", flat=True)
    ids = list(rows[: UNDO_SONGS + 1])
    return ids if len(ids) <= UNDO_SONGS else []


def _undo(request: HttpRequest) -> dict[str, Any] | None:
    """What the button Undo would post."""
    return request.session.get(UNDO) if may_act(request) else None


def _chosen(request: HttpRequest) -> TrackQuerySet:
    if "undo" in request.POST:
        return Track.objects.filter(pk__in=(_undo(request) or {}).get("songs", []))
    if "all" not in request.POST:
        return Track.objects.filter(pk__in=ids_from(request.POST.getlist("song")))
    query = request.POST.dict()
    return Track.objects.filter(
        pk__in=narrowed(_listing(query).rows(database_clock.now()), query).order_by().values("pk")
    )


# --- CSV --------------------------------------------------------------------------------------------------


@keeper_page
def songs_csv(request: HttpRequest) -> HttpResponseBase:
    """`/tracks.csv`: the whole list of the same address without ".csv", streamed."""
    query = request.GET.dict()
    listing = _listing(query)
    rows = narrowed(listing.rows(database_clock.now()), query).order_by("pk")
    response = StreamingHttpResponse(_csv_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="tonekeep-{listing.name}.csv"'
    return response


def _csv_lines(tracks: TrackQuerySet) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(CSV_COLUMNS)
    last = 0
    while batch := list(tracks.filter(pk__gt=last).values("pk", "album__title", *CSV_COLUMNS[3:], "title")[:CSV_BATCH]):
        artists = status.billed(row["pk"] for row in batch)
        for row in batch:
            cells = {**row, "artists": "; ".join(artists.get(row["pk"], [])), "album": row["album__title"] or ""}
            yield writer.writerow([formula_safe(cells[name]) for name in CSV_COLUMNS])
        last = batch[-1]["pk"]


def formula_safe(value: Any) -> str:
    """A cell that no spreadsheet runs: Excel and its kin take a leading = + - @, tab or return for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


class _Echo:
    """A file for `csv.writer` that hands each line back."""

    def write(self, line: str) -> str:
        return line
