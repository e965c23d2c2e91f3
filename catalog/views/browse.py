"""The read-only pages. They read rows and nothing else: a music folder that hangs never hangs a page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from catalog.models import Album, Artist, Collection
from catalog.reports import status
from catalog.reports.listings import LISTINGS, albums, artists, narrowed, with_songs
from catalog.reports.metrics import exposition
from catalog.spotify import accounts
from catalog.web import setup_link
from catalog.web.keyset_pages import page_of
from catalog.web.permissions import may_act, readers_answer, readers_page

SHOWN_IN_QUEUE = 6  # songs that the status page shows of the queue; the queue's own page shows all
SERVICE_LABELS = {"spotify": "Spotify", "audio": "Audio source", "storage": "Music folder"}
# What a service's state is called on the page, and its colour; other states are shown as they are.
SERVICE_WORDS = {
    "ok": ("working", "ok"),
    "online": ("there", "ok"),
    "offline": ("offline", "bad"),
    "held": ("waits for you", "warn"),
    "full": ("disk full", "bad"),
    "readonly": ("read-only", "bad"),
}
NARROWED_BY = {"artist": Artist, "album": Album, "collection": Collection}


@readers_page
def status_page(request: HttpRequest) -> HttpResponse:
    """`/`: the head line, the six counters, and what goes on."""
    now = timezone.now()
    seen = status.snapshot(now, SHOWN_IN_QUEUE)
    shown = {
        "section": "status",
        "now": now,
        "seen": seen,
        "services": [_service(service, seen) for service in seen["services"]],
        "paused": any(service["paused_by_person"] for service in seen["services"]),
        "next_up": SHOWN_IN_QUEUE,
        "may_act": may_act(request),
        # Whose account it is, and what ails it, is for those who are logged in.
        "accounts": accounts.alerts(now) if may_act(request) else [],
    }
    return render(request, "status.html", shown)


def _service(service: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """A service as a person reads it: ``label``, ``word`` with its colour ``mood``, and what there is to say."""
    state, said = service["state"], service["reason"]
    if service["name"] == "storage":
        state, said = seen["storage"]["state"], seen["storage"]["reason"]
        state, said = ("not checked yet", "") if seen["storage"]["checked_at"] is None else (state, said)
        said = "" if state == "held" else said  # the note at the top of the page says it, with its button
    word, mood = SERVICE_WORDS.get(state, (state.replace("_", " "), "warn"))
    if state == "canary":
        word, mood = "being tried", "busy"
    elif service["paused"]:
        word, mood = "paused", "warn"
        said = "By a person, until a person says go on." if service["paused_by_person"] else said
    elif service["name"] == "spotify" and not seen["connected"]:
        word, mood, said = "not connected", "", said
    return {**service, "label": SERVICE_LABELS[service["name"]], "word": word, "mood": mood, "said": said}


@readers_answer
def status_json(request: HttpRequest) -> HttpResponse:
    """`/status`: the same as JSON, whatever the request accepts."""
    return JsonResponse(status.snapshot(timezone.now()))


@readers_answer
def metrics(request: HttpRequest) -> HttpResponse:
    """`/metrics`: the same as Prometheus' text format 0.0.4. Open with STATUS_PUBLIC=true, else for a session."""
    text = exposition(status.snapshot(timezone.now()))
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


@readers_page
def tracks(request: HttpRequest) -> HttpResponse:
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
        "next": _with(request, after=page.after),
        "kept": {name: asked[name] for name in (*NARROWED_BY, "error") if asked.get(name)},
        "may_act": may_act(request),
    }
    return render(request, "tracks.html", shown)


def _narrowed_to(asked: dict[str, str]) -> Artist | Album | Collection | None:
    """The artist, album or collection that the list is narrowed to."""
    name = next((name for name in NARROWED_BY if asked.get(name, "").isascii() and asked.get(name, "").isdigit()), None)
    if name is None or len(asked[name]) > 18:
        return None
    return NARROWED_BY[name].objects.filter(pk=int(asked[name])).first()  # type: ignore[attr-defined, no-any-return]


def _with(request: HttpRequest, **changes: str) -> str:
    """The query string of this page with some of its parts changed."""
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
    return query.urlencode()


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
        "next": _with(request, after=page.after) if page.after else "",
        "after": page.after,
    }
    return render(request, "names.html", shown)


@never_cache
def first_admin(request: HttpRequest, token: str) -> HttpResponse:
    """`/setup/<token>`: the one-time link. Whoever holds it chooses the first admin's name and password."""
    now = timezone.now()
    if not setup_link.is_valid(token, now):
        return render(request, "setup.html", {"form": None}, status=410)
    form = setup_link.FirstAdminForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = setup_link.use(token, form, now)
        if user is None:
            return render(request, "setup.html", {"form": None}, status=410)
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return redirect("status_page")
    return render(request, "setup.html", {"form": form})
