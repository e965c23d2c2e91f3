"""Reading a paged list whole, or saying why it is not whole. Pure: no network of its own, no Django.

A list counts as whole only if its pages follow each other without a gap, agree about the total, and hold as many items
as that. `next` is followed by its offset alone: the address in it is Spotify's text, and the token goes to no address
that we did not build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from catalog.spotify.errors import Refusal

PAGE = 50  # the largest page that the interface gives (2026; playlists gave 100 before)
MOST_PAGES = 20_000  # a million items: more than that is a list that never ends

CHANGED = "It changed while it was being read."
LOOPS = "Spotify's pages lead back to where they came from."
SHORT = "Spotify left out part of a page."
UNREADABLE_PAGE = "A page of it could not be read."

Fetch = Callable[[int], Any]


@dataclass(slots=True)
class Listing:
    """What was read. ``problem`` is "" if that was all of it; ``refusal`` is set if Spotify refused a page.

    ``items`` are as ``parse`` makes them of Spotify's; ``nulls`` counts those that were null.
    """

    items: list[Any] = field(default_factory=list)
    total: int | None = None
    pages: int = 0
    nulls: int = 0
    problem: str = ""
    refusal: Refusal | None = None


def read_pages(
    fetch: Fetch,
    first: Any = None,
    parse: Callable[[Any], Any] = lambda item: item,
    begun: Listing | None = None,
    on_page: Callable[[int, list[Any]], None] = lambda total, items: None,
) -> Listing:
    """All items of a list. ``fetch`` answers the page at an offset, or raises Refusal; ``first`` is one already there.

    ``begun`` is what need not be read again; ``on_page`` hears the total and the items of each page that others follow,
    as long as nothing is wrong. Never raises for what Spotify answers: a list that cannot be read whole comes back as
    far as it was read.
    """
    listing = begun or Listing()
    offset: int | None = len(listing.items)
    if begun and begun.total == offset:
        offset = None
    while offset is not None:
        try:
            page = first if first is not None else fetch(offset)
            first = None
        except Refusal as refusal:
            listing.refusal, listing.problem = refusal, refusal.reason
            break
        there = len(listing.items)
        offset = _take(listing, page, offset, parse)
        if offset is not None and listing.total is not None and not (listing.problem or listing.nulls):
            on_page(listing.total, listing.items[there:])
    if not listing.problem and len(listing.items) != listing.total:
        listing.problem = f"Spotify says {listing.total} entries, but lists {len(listing.items)}."
    return listing


def _take(listing: Listing, page: Any, offset: int, parse: Callable[[Any], Any]) -> int | None:
    """Add a page to the listing. The offset of the next one; None at the end or where reading on makes no sense."""
    items, total = _items_and_total(page)
    if items is None or total is None:
        listing.problem = UNREADABLE_PAGE
        return None
    if listing.total not in (None, total):
        listing.problem = CHANGED
    if page.get("offset", offset) != offset:
        listing.problem = LOOPS
        return None
    listing.total = total
    listing.items += map(parse, items)
    listing.nulls += sum(item is None for item in items)
    listing.pages += 1
    return _next(listing, page, offset, len(items))


def _next(listing: Listing, page: Mapping[str, Any], offset: int, count: int) -> int | None:
    if not page.get("next"):
        return None
    following = _offset_of(page["next"], offset + count)
    if following <= offset or listing.pages >= MOST_PAGES:
        listing.problem = LOOPS
        return None
    if following != offset + count:
        listing.problem = SHORT
    return following


def _items_and_total(page: Any) -> tuple[list[Any] | None, int | None]:
    if not isinstance(page, Mapping):
        return None, None
    items, total = page.get("items"), page.get("total")
    whole_number = isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 2**31
    return (items if isinstance(items, list) else None), (total if whole_number else None)


def _offset_of(address: Any, otherwise: int) -> int:
    """The offset in a `next` address. One without an offset is taken to go on where the page ended."""
    try:
        values = parse_qs(urlsplit(str(address)).query).get("offset", [])
        return int(values[0]) if values else otherwise
    except ValueError:
        return -1  # an offset that is no number leads nowhere
