"""Spotify's privacy export: YourLibrary.json, Playlist*.json and the Playlist.json of old ones. Pure.

It knows one artist for a track, no length and no ISRC, and in old exports no address. Of the saved albums it
knows only names and ids. See support.spotify.com, "Understanding your data".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from catalog.importers.json_values import mapping
from catalog.importers.library_text import Format, LibraryText
from catalog.importers.parsed_file import (
    MAX_COLLECTIONS,
    MAX_LABEL,
    MAX_NAME,
    NamedList,
    ReadFile,
    Skipped,
    UnreadableFile,
    album_link,
    as_entry,
    clean,
    file_of_lists,
    folded,
    local_label,
    moment,
    read_items,
    shown,
)
from catalog.music.records import (
    EPISODE,
    LOCAL,
    UNREADABLE,
    WITHDRAWN,
    EntryRecord,
    TrackRecord,
    spotify_id_of,
)

KIND_LIBRARY, KIND_PLAYLISTS = "Spotify privacy export (library)", "Spotify privacy export (playlists)"
PRIVACY_FILE = re.compile(r"(YourLibrary|Playlist)[0-9]*\.json", re.IGNORECASE)
LIKED_KEY, PLAYLIST_KEY = "spotify-export:liked", "spotify-export:playlist:"
# What YourLibrary.json lists beside tracks, and why it does not come in.
NOT_TAKEN = (
    ("albums", "saved albums", " (the export says neither their songs nor their Spotify ids)"),
    ("episodes", "saved podcast episodes", ""),
    ("shows", "saved podcasts", ""),
    ("bannedTracks", "hidden tracks", ""),
)
# An item of a playlist holds one of these; the others are null.
NO_TRACKS = (("episode", EPISODE), ("audiobook", EPISODE), ("chapter", EPISODE), ("localTrack", LOCAL))


def recognises(file: LibraryText) -> bool:
    return file.is_json


def read(file: LibraryText) -> ReadFile:
    """The collections in one JSON file of a privacy export.

    The line of a skipped entry is its number in its list. Raises UnreadableFile for JSON of something else.
    """
    data, name = file.json, file.name
    if isinstance(data, dict) and isinstance(data.get("playlists"), list):
        return file_of_lists(name, KIND_PLAYLISTS, _playlists(data["playlists"], name), _playlist_key)
    if isinstance(data, dict) and isinstance(data.get("tracks"), list):
        return _library(data, name)
    raise UnreadableFile(
        f"{shown(name)} holds neither liked songs nor playlists: "
        "take YourLibrary.json or Playlist1.json from the export."
    )


def _library(data: dict[str, Any], name: str) -> ReadFile:
    lists = {part: items for part, *_ in NOT_TAKEN if isinstance(items := data.get(part), list)}
    albums = {
        spotify_id: clean(album.get("album"))
        for album in map(mapping, lists.get("albums", [])[:MAX_COLLECTIONS])
        if (spotify_id := spotify_id_of(clean(album.get("uri"))))
    }
    left = {part: len(items) for part, items in lists.items() if not (part == "albums" and albums)}
    notes = tuple(f"not taken: {what}, {left[part]}{why}" for part, what, why in NOT_TAKEN if left.get(part))
    links = tuple(album_link(spotify_id, title) for spotify_id, title in albums.items())
    liked = ("Liked songs", *_entries(data["tracks"]))
    return file_of_lists(name, KIND_LIBRARY, [liked], lambda *_: LIKED_KEY, notes=notes, albums=links)


def _playlists(playlists: list[Any], name: str) -> Iterator[NamedList]:
    for playlist in map(mapping, playlists):
        items = playlist.get("items", playlist.get("tracks"))
        if not isinstance(items, list):
            raise UnreadableFile(f"{shown(name)} has a playlist without a list of tracks: request the export again.")
        yield clean(playlist.get("name"), MAX_NAME), *_entries(items)


def _playlist_key(_: str, title: str) -> str:
    return (PLAYLIST_KEY + folded(title))[:MAX_NAME]


def _entries(items: list[Any]) -> tuple[list[EntryRecord], list[Skipped]]:
    return read_items(items, _entry, lambda item: json.dumps(item, ensure_ascii=False))


def _entry(item: Any) -> tuple[EntryRecord, str]:
    """The entry for an item of a list: a flat track (library, old playlists) or a slot with one thing in it."""
    if not isinstance(item, dict):
        return EntryRecord(reason=UNREADABLE, label=clean(str(item), MAX_LABEL)), "it describes no track"
    added_at = moment(str(item.get("addedDate") or ""))
    for slot, reason in NO_TRACKS:
        if thing := item.get(slot):
            return EntryRecord(reason=reason, label=_label(thing), added_at=added_at), ""
    track = item.get("track", item)
    if track is None:
        return EntryRecord(reason=WITHDRAWN, added_at=added_at), ""
    fields = track if isinstance(track, dict) else item
    uri = clean(fields.get("trackUri") or fields.get("uri"))
    return as_entry(_track(fields, uri), uri, added_at)


def _track(fields: dict[str, Any], uri: str) -> TrackRecord:
    artist = clean(fields.get("artistName") or fields.get("artist"))
    return TrackRecord(
        title=clean(fields.get("trackName") or fields.get("track")),
        artists=(artist,) if artist else (),
        album=clean(fields.get("albumName") or fields.get("album")),
        spotify_id=spotify_id_of(uri) if uri.startswith("spotify:track:") or "/track/" in uri else "",
    )


def _label(thing: Any) -> str:
    """What an episode or a local file is called, as far as it says."""
    if not isinstance(thing, dict):
        return clean(str(thing), MAX_LABEL)
    names = (clean(value, MAX_LABEL) for key, value in thing.items() if key.endswith(("Name", "name")))
    uri = clean(thing.get("uri") or thing.get("trackUri"))
    return clean(" - ".join(filter(None, names)), MAX_LABEL) or local_label(uri) or uri[:MAX_LABEL]


FORMAT = Format(recognises, read)
