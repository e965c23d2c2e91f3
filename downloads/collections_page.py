"""`/collections`: what is kept, on or off, with the ledger of each collection."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from catalog.access import staff_button, staff_page
from catalog.choose import switch
from catalog.ledger import ledger
from catalog.models import Account, Collection, CollectionQuerySet, Run
from catalog.wording import count
from downloads import jobs

PER_PAGE = 100
# A tab, what it is called, and the kinds of collections in it.
TABS = {
    "playlists": ("Liked songs and playlists", [Collection.Kind.LIKED, Collection.Kind.PLAYLIST]),
    "albums": ("Saved albums", [Collection.Kind.ALBUM]),
    "files": ("Imported files", [Collection.Kind.FILE]),
}


@staff_page
@require_safe
def collections(request: HttpRequest) -> HttpResponse:
    """One tab of them, a hundred at a time; those that Spotify does not open come last."""
    tab = _tab(request.GET.get("tab", ""))
    rows = _in_tab(tab).order_by("closed", "account", "kind", "name", "pk")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    found = {row.pk: row for row in Collection.objects.with_ledger().filter(pk__in=[row.pk for row in page])}
    names = dict(Account.objects.values_list("user_id", "name"))
    shown: dict[str, Any] = {
        "section": "collections",
        "now": timezone.now(),
        "tab": tab,
        "tabs": [(name, title, _in_tab(name).count()) for name, (title, _) in TABS.items()],
        "page": page,
        "rows": [
            (found[row.pk], ledger(found[row.pk]), names.get(row.account, row.account))
            for row in page
            if row.pk in found
        ],
        "several_accounts": len(names) > 1,
        "connected": bool(names),
        "last_run": Run.objects.filter(kind=Run.Kind.SYNC).first(),
    }
    return render(request, "collections.html", shown)


@staff_button
def choose(request: HttpRequest) -> HttpResponse:
    """Switch one collection, or a whole tab, on or off."""
    tab = _tab(request.POST.get("tab", ""))
    on = "on" in request.POST
    which = request.POST.get("on" if on else "off", "")
    chosen = _in_tab(tab) if which == "all" else Collection.objects.filter(pk=_number(which))
    changed = switch(chosen, on)
    if on and changed:
        jobs.wake()
    done = "on" if on else "off; files stay"
    messages.success(request, f"{count(changed, 'collection')} switched {done}.")
    return redirect(f"{reverse('collections')}?tab={tab}&page={_number(request.POST.get('page', ''))}")


def _tab(said: str) -> str:
    return said if said in TABS else next(iter(TABS))


def _in_tab(tab: str) -> CollectionQuerySet:
    return Collection.objects.filter(kind__in=TABS[tab][1])


def _number(said: str) -> int:
    """A row's or a page's number; 0, which none has, where it is none."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0
