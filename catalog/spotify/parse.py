"""Spotify's JSON objects as records. Pure: no network, no Django.

Spotify's answers hold nulls, empty names, local files, podcast episodes, zero durations and objects that are only a
link. Whatever comes, an entry becomes a legal track record or keeps its place with a reason; nothing here raises.
Shapes: Spotify Web API, OpenAPI of 2026 (`PlaylistTrackObject`, `SavedTrackObject`, `SavedAlbumObject`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from catalog.music.records import (
    EPISODE,
    LOCAL,
    UNREADABLE,
    VARIOUS_ARTISTS,
    WITHDRAWN,
    EntryRecord,
    TrackRecord,
    clean_isrc,
    spotify_id_of,
)

SPOKEN = {"episode", "chapter", "show", "audiobook"}
ALBUM_TYPES = ("album", "single", "compilation")
MAX_INTEGER = 2**31 - 1  # what an integer column holds
RELEASE_DATE = re.compile(r"[1-9]\d{3}(-\d{2}(-\d{2})?)?\Z")  # Spotify says "0000" where it does not know


def entry_of(raw: Any) -> EntryRecord:
    """A place in a playlist or in the liked songs. The track is under `item`, or under `track` (before 2026)."""
    entry = raw if isinstance(raw, Mapping) else {}
    inner = entry.get("item") or entry.get("track")
    added_at = moment(entry.get("added_at"))
    if not isinstance(inner, Mapping):
        return EntryRecord(reason=WITHDRAWN, added_at=added_at)
    return entry_of_track(inner, added_at=added_at, local=entry.get("is_local") is True)


def entry_of_track(
    raw: Any, album: Mapping[str, Any] | None = None, added_at: datetime | None = None, local: bool = False
) -> EntryRecord:
    """A track object by itself; ``album`` stands in where it carries none (the tracks of an album)."""
    if not isinstance(raw, Mapping):
        return EntryRecord(reason=WITHDRAWN, added_at=added_at)
    uri = text(raw.get("uri"))
    if raw.get("type") in SPOKEN or raw.get("episode") is True or uri.startswith("spotify:episode:"):
        return EntryRecord(reason=EPISODE, label=_label(raw, "podcast episode"), added_at=added_at)
    if local or raw.get("is_local") is True or uri.startswith("spotify:local:"):
        return EntryRecord(reason=LOCAL, label=_local_label(raw, uri), added_at=added_at)
    title = text(raw.get("name"))
    if not title:
        return EntryRecord(reason=UNREADABLE, label=_label(raw, uri), added_at=added_at)
    return EntryRecord(track=_track(raw, title, mapping(raw.get("album")) or album or {}), added_at=added_at)


def _track(raw: Mapping[str, Any], title: str, album: Mapping[str, Any]) -> TrackRecord:
    album_artists = names(album.get("artists"))
    return TrackRecord(
        title=title,
        artists=names(raw.get("artists")) or album_artists,
        album=text(album.get("name")),
        album_artists=album_artists,
        duration_ms=positive(raw.get("duration_ms")),
        isrc=clean_isrc(text(mapping(raw.get("external_ids")).get("isrc"))),
        spotify_id=_saved_id(raw),
        album_spotify_id=spotify_id_of(text(album.get("id"))),
        track_number=positive(raw.get("track_number")),
        disc_number=positive(raw.get("disc_number")),
        release_date=release_date(album.get("release_date")),
        explicit=raw.get("explicit") if isinstance(raw.get("explicit"), bool) else None,
        compilation=_is_compilation(album),
        cover_url=cover_url(album.get("images")),
        album_tracks=positive(album.get("total_tracks")),
        album_type=_album_type(album),
        label=text(album.get("label")),
        copyright=_copyright(album),
    )


def _saved_id(raw: Mapping[str, Any]) -> str:
    """The id that the person saved: a relinked track names it under `linked_from`, so that a move changes nothing."""
    saved = mapping(raw.get("linked_from"))
    return spotify_id_of(text(saved.get("id"))) or spotify_id_of(text(raw.get("id")))


def _is_compilation(album: Mapping[str, Any]) -> bool:
    main = next((mapping(artist) for artist in _list(album.get("artists"))), {})
    return album.get("album_type") == "compilation" or main.get("id") == VARIOUS_ARTISTS


def _album_type(album: Mapping[str, Any]) -> str:
    kind = text(album.get("album_type"))
    return kind if kind in ALBUM_TYPES else ""


def _copyright(album: Mapping[str, Any]) -> str:
    """That of the sound (P) where there is one, else of the work (C). Only whole albums carry it."""
    said = [mapping(each) for each in _list(album.get("copyrights"))]
    return next((text(each.get("text")) for kind in ("P", "C") for each in said if each.get("type") == kind), "")


def _label(raw: Mapping[str, Any], otherwise: str) -> str:
    name = text(raw.get("name"))
    show = text(mapping(raw.get("show")).get("name"))
    return " – ".join(part for part in (name, show) if part) or otherwise


def _local_label(raw: Mapping[str, Any], uri: str) -> str:
    """Artist and title of a local file; where names are empty, from ``spotify:local:artist:album:title:seconds``."""
    parts = [unquote_plus(part) for part in uri.split(":")[2:]]
    fields = [*parts, "", "", "", ""] if uri.startswith("spotify:local:") else ["", "", "", ""]
    artist = ", ".join(names(raw.get("artists"))) or text(fields[0])
    title = text(raw.get("name")) or text(fields[2])
    return " – ".join(part for part in (artist, title) if part) or "local file"


# --- Values -----------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    """A string that every database stores: no NUL, no half of a surrogate pair, no white space around it."""
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()


def positive(value: Any) -> int | None:
    """A whole number above zero that fits a column, else None (Spotify says 0 where it does not know)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 1 <= value <= MAX_INTEGER else None


def names(artists: Any) -> tuple[str, ...]:
    """The artists' names in billing order, empty ones and repetitions left out."""
    texts = (text(mapping(artist).get("name")) for artist in _list(artists))
    return tuple(dict.fromkeys(name for name in texts if name))


def moment(value: Any) -> datetime | None:
    """An ISO 8601 moment in UTC; None for nonsense and for 1970, which Spotify writes where it does not know."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        utc = read and (read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return utc if utc and utc.year > 1970 else None


def release_date(value: Any) -> str:
    """ "YYYY", "YYYY-MM" or "YYYY-MM-DD", else ""."""
    date = text(value)
    return date if RELEASE_DATE.match(date) else ""


def cover_url(images: Any) -> str:
    """The address of the largest picture, or ""."""
    pictures = [mapping(image) for image in _list(images)]
    largest = max(pictures, key=lambda image: positive(image.get("width")) or 0, default={})
    address = text(largest.get("url"))
    return address if address.startswith("https://") else ""


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []
