"""Links without names, from lists of ids that a person imported: Spotify is asked for each, some at every sync."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from catalog.ingest.name_links import name_known_links, name_links
from catalog.models import Entry
from catalog.music.records import LINK, WITHDRAWN, EntryRecord, spotify_id_of
from catalog.spotify.client import Api
from catalog.spotify.errors import Kind, Refusal
from catalog.spotify.parse import entry_of_track

AT_ONCE = 200  # of one sync: Spotify has no call for several of them any more


def ask_for_names(api: Api, now: datetime, should_stop: Callable[[], bool]) -> str:
    """Name the links that are left, `AT_ONCE` of them. A sentence, "" where there were none.

    Raises Refusal where Spotify is to be left alone; what it had said by then is written.
    """
    name_known_links()
    links = Entry.objects.filter(reason=LINK)
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


def _entry(api: Api, label: str) -> EntryRecord:
    try:
        return entry_of_track(api.track(spotify_id_of(label)))
    except Refusal as refusal:
        if refusal.kind != Kind.GONE:
            raise
        return EntryRecord(reason=WITHDRAWN, label=label)
