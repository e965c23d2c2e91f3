"""`/collections`: what is kept, on or off, what becomes of files, and the ledger of each collection."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.db import database_clock
from catalog.ingest.collections import remove, set_removal, switch
from catalog.models import Account, Collection, CollectionQuerySet, Entry, Run, Track
from catalog.reports.ledger import ledger
from catalog.text.humanize import count
from catalog.web.confirm import CONFIRM_ABOVE, confirmation, confirmed
from catalog.web.permissions import keeper_button, keeper_page
from downloads.jobs import queue

PER_PAGE = 100
# A tab, what it is called, and the kinds of collections in it.
TABS = {
    "playlists": ("Liked songs and playlists", [Collection.Kind.LIKED, Collection.Kind.PLAYLIST]),
    "albums": ("Saved albums", [Collection.Kind.ALBUM]),
    "files": ("Imported files", [Collection.Kind.FILE]),
}


# A button's word, what it does, and how that is said.
DEEDS: dict[str, tuple[Callable[[CollectionQuerySet], int], str]] = {
    "on": (partial(switch, on=True), "switched on"),
    "off": (partial(switch, on=False), "switched off"),
    "keep": (partial(set_removal, policy=Collection.Removal.KEEP), "changed: files of songs that leave it stay"),
    "bin": (partial(set_removal, policy=Collection.Removal.BIN), "changed: files of songs that leave it go to the bin"),
    "remove": (remove, "removed"),
}
LEAVING = ("off", "remove")  # what makes songs leave
BINNED = "; files of songs that nothing else holds go to the bin"


@keeper_page
@require_safe
def collections(request: HttpRequest) -> HttpResponse:
    """One tab of them, a hundred at a time; those that Spotify does not open come last."""
    tab = _tab(request.GET.get("tab", ""))
    rows = _in_tab(tab).order_by("closed", "account", "kind", "name", "pk")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    by_id = {row.pk: row for row in Collection.objects.with_ledger().filter(pk__in=[row.pk for row in page])}
    names = dict(Account.objects.values_list("user_id", "name"))
    context: dict[str, Any] = {
        "section": "library",
        "now": database_clock.now(),
        "tab": tab,
        "tabs": [(name, title, _in_tab(name).count()) for name, (title, _) in TABS.items()],
        "page": page,
        "rows": [
            (by_id[row.pk], ledger(by_id[row.pk]), names.get(row.account, row.account))
            for row in page
            if row.pk in by_id
        ],
        "several_accounts": len(names) > 1,
        "connected": bool(names),
        "removable": set(Collection.objects.without_source().filter(pk__in=by_id).values_list("pk", flat=True)),
        "last_run": Run.objects.filter(kind=Run.Kind.SYNC).first(),
    }
    return render(request, "library/collections.html", context)


@keeper_button
def update_collections(request: HttpRequest) -> HttpResponse:
    """Do what the button says to one collection, or on and off to a whole tab."""
    tab = _tab(request.POST.get("tab", ""))
    word = next((word for word in DEEDS if word in request.POST), "")
    if word:
        which = request.POST[word]
        all_of_tab = which == "all" and word in ("on", "off")
        chosen = _in_tab(tab) if all_of_tab else Collection.objects.filter(pk=_number(which))
        if word in LEAVING and not confirmed(request) and (question := _question(word, chosen, all_of_tab)):
            return confirmation(request, *question)
        messages.success(request, _done(word, chosen))
    return redirect(f"{reverse('collections')}?tab={tab}&page={_number(request.POST.get('page', ''))}")


def _question(word: str, chosen: CollectionQuerySet, all_of_tab: bool) -> tuple[str, str, str] | None:
    """Question, button and text, where files would go to the bin or more than 100 songs would change."""
    on = chosen.filter(enabled=True)
    files = _files_only_in(on.filter(removal=Collection.Removal.BIN))
    songs = Entry.objects.filter(collection__in=on, track__isnull=False).values("track").distinct().count()
    if not files and songs <= CONFIRM_ABOVE:
        return None
    name = "all" if all_of_tab else ", ".join(f"“{row.name}”" for row in chosen)
    button = f"Remove {name}" if word == "remove" else f"Switch {name} off"
    if files:
        return (
            f"{button}, and move up to {count(files, 'file')} to the bin?",
            button,
            "You can restore them from there.",
        )
    return f"{button}? It has {count(songs, 'song')}.", button, "Files that are here stay."


def _files_only_in(collections: CollectionQuerySet) -> int:
    """Songs on disk that these collections hold: at most as many files go to the bin."""
    held = Entry.objects.filter(collection__in=collections, track__isnull=False).values("track")
    return Track.objects.downloaded().filter(pk__in=held).count()


def _done(word: str, chosen: CollectionQuerySet) -> str:
    """Do it, let the folder or the workers follow, and say what was done."""
    deed, sentence = DEEDS[word]
    to_the_bin = chosen.filter(removal=Collection.Removal.BIN).exists()
    changed = deed(chosen)
    if changed and word == "on":
        queue.wake()
    if changed and (word == "bin" or (to_the_bin and word in LEAVING)):
        queue.request_reconcile()  # files go after it
    files = (BINNED if to_the_bin else "; files stay") if word in LEAVING else ""
    return f"{count(changed, 'list')} {sentence}{files}."


def _tab(text: str) -> str:
    return text if text in TABS else next(iter(TABS))


def _in_tab(tab: str) -> CollectionQuerySet:
    return Collection.objects.filter(kind__in=TABS[tab][1])


def _number(text: str) -> int:
    """A row's or a page's number; 0, which none has, where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
