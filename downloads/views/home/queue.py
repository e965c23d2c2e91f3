"""`/queue`: what is due now, and what waits for its next try."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from catalog.db import database_clock
from catalog.db.snapshot_read import snapshot_read
from catalog.models import Track
from catalog.reports import status
from catalog.reports.listings import BY_DUE, LISTINGS
from catalog.reports.public_status import public_songs
from catalog.web.keyset_pages import asked_page, links
from catalog.web.permissions import is_insider, may_act, readers_page, wants_json

QUEUE_VIEWS = ("ready", "cooling")


@readers_page
def queue(request: HttpRequest) -> HttpResponse:
    """`/queue?view=ready|cooling`: a page to a browser, JSON by Accept. Paged by key: ``after`` is the answer's own."""
    now = database_clock.now()
    view = request.GET.get("view", "ready")
    listing = LISTINGS[view if view in QUEUE_VIEWS else "ready"]
    with snapshot_read():
        missing, cooling = Track.objects.counts()["missing"], Track.objects.cooling(now).count()
        keys = listing.rows(now).values_list(*BY_DUE, named=True)
        page = asked_page(request, keys, BY_DUE, status.ITEMS)
        items = status.described(Track.objects.filter(pk__in=[key.pk for key in page.rows]).order_by(*BY_DUE))
    counts = {"ready": missing - cooling, "cooling": cooling}
    items = items if is_insider(request) else public_songs(items)
    if wants_json(request):
        return JsonResponse({**counts, "view": listing.name, "items": items, "after": page.after})
    context = {"section": "activity", "now": now, "counts": counts, "listing": listing, "items": items}
    context["pager"] = links(request, page)
    return render(request, "home/queue.html", {**context, "may_act": may_act(request)})
