"""Links without names, from lists of ids that a person imported: Spotify is asked for each, some at every sync.

A link is a song, or an album in whose place its songs are put.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from catalog.ingest.name_links import name_known_links, name_links
from catalog.ingest.replace import replace_catalog
from catalog.models import Collection, Entry
from catalog.music.records import ALBUM, ALBUM_LINK, LINK, WITHDRAWN, CollectionRecord, EntryRecord, spotify_id_of
from catalog.spotify.client import Api
from catalog.spotify.errors import Kind, Refusal
from catalog.spotify.paging import read_pages
from catalog.spotify.parse import entry_of_track, mapping, names, text
from catalog.text.humanize import count

AT_ONCE = 200  # of one sync: Spotify has no call for several of them any more


def ask_for_names(api: Api, now: datetime, should_stop: Callable[[], bool]) -> str:
    """Name the links that are left, `AT_ONCE` of them. A sentence, "" where there were none.

    Raises Refusal where Spotify is to be left alone; what it had said by then is written.
    """
    name_known_links()
    links = Entry.objects.filter(reason=LINK).exclude(label__startswith=ALBUM_LINK)
    labels = list(dict.fromkeys(links.order_by("pk").values_list("label", flat=True)[: 2 * AT_ONCE]))[:AT_ONCE]
    if not labels:
        return ""
    found: dict[str, EntryRecord] = {}
    try:
        for label in labels:
            if should_stop():
                break
            found[label] = _entry(api, label)
    finally:
        named = name_links(found, now)
    left = links.count()
    text = f"{named:,} links have their names now"
    return f"{text}, {left:,} more follow with the next syncs." if left else f"{text}."


def ask_for_albums(api: Api, now: datetime, should_stop: Callable[[], bool]) -> str:
    """Put the songs of albums in the place of the links to them, `AT_ONCE` of them. A sentence, "" where none was left.

    Raises Refusal where Spotify is to be left alone; what it had said by then is written.
    """
    links = Collection.objects.filter(account="", kind=ALBUM, entries__reason=LINK).order_by("pk")
    albums = list(links.distinct()[:AT_ONCE])
    for album in albums:
        if should_stop():
            break
        replace_catalog([_album(api, album)], now)
    left = links.distinct().count() if albums else 0
    text = f"{count(len(albums) - left, 'album')} came from links"
    return "" if not albums else f"{text}, {left:,} more follow with the next syncs." if left else f"{text}."


def _album(api: Api, link: Collection) -> CollectionRecord:
    record = CollectionRecord(ALBUM, link.key, link.name)
    try:
        album = mapping(api.album(link.key))
    except Refusal as refusal:
        if refusal.kind != Kind.GONE:
            raise
        return replace(record, entries=(EntryRecord(reason=WITHDRAWN, label=link.name),))
    listing = read_pages(
        lambda offset: api.album_tracks(link.key, offset),
        mapping(album.get("tracks")) or None,
        lambda track: entry_of_track(track, album),
    )
    if listing.refusal and listing.refusal.ends_the_read:
        raise listing.refusal
    return replace(
        record,
        name=text(album.get("name")) or link.name,
        owner=", ".join(names(album.get("artists"))),
        entries=listing.items,
        total=listing.total,
        complete=not listing.problem,
        problem=listing.problem,
    )


def _entry(api: Api, label: str) -> EntryRecord:
    try:
        return entry_of_track(api.track(spotify_id_of(label)))
    except Refusal as refusal:
        if refusal.kind != Kind.GONE:
            raise
        return EntryRecord(reason=WITHDRAWN, label=label)
