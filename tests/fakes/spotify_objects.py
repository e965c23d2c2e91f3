"""Objects in the shape of the 2026 interface, for the Spotify stand-in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
Json = dict[str, Any]


def spotify_id(kind: str, number: int) -> str:
    """22 characters of base 62, the same for the same kind and number."""
    digits = ""
    for _ in range(16):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return (kind + "000000")[:6] + digits


def artist(name: str) -> Json:
    key = spotify_id("artist", sum(ord(letter) << index for index, letter in enumerate(name)))
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/artist/{key}"},
        "href": f"https://api.spotify.com/v1/artists/{key}",
        "id": key,
        "name": name,
        "type": "artist",
        "uri": f"spotify:artist:{key}",
    }


def album(number: int, name: str = "", artist_name: str = "The Tests", tracks: int = 10, **changes: Any) -> Json:
    """A SimplifiedAlbumObject."""
    key = spotify_id("album", number)
    return {
        "album_type": "album",
        "artists": [artist(artist_name)],
        "available_markets": [],
        "external_urls": {"spotify": f"https://open.spotify.com/album/{key}"},
        "href": f"https://api.spotify.com/v1/albums/{key}",
        "id": key,
        "images": [{"height": 640, "url": f"https://i.scdn.co/image/{number}", "width": 640}],
        "name": name or f"Album {number}",
        "release_date": "2001-02-03",
        "release_date_precision": "day",
        "total_tracks": tracks,
        "type": "album",
        "uri": f"spotify:album:{key}",
    } | changes


def track(number: int, title: str = "", artist_name: str = "The Tests", **changes: Any) -> Json:
    """A TrackObject: every number is a recording of its own."""
    return (
        simple_track(number, title, artist_name)
        | {"album": album(number // 10), "external_ids": {"isrc": f"QZTST{number:07d}"}, "popularity": 0}
        | changes
    )


def simple_track(number: int, title: str = "", artist_name: str = "The Tests") -> Json:
    """A SimplifiedTrackObject, as an album lists it: without album and ISRC."""
    key = spotify_id("track", number)
    return {
        "artists": [artist(artist_name)],
        "available_markets": [],
        "disc_number": 1,
        "duration_ms": 120_000 + number * 7000 % 180_000,
        "explicit": False,
        "external_urls": {"spotify": f"https://open.spotify.com/track/{key}"},
        "href": f"https://api.spotify.com/v1/tracks/{key}",
        "id": key,
        "is_local": False,
        "name": title or f"Song {number}",
        "preview_url": None,
        "track_number": number % 10 + 1,
        "type": "track",
        "uri": f"spotify:track:{key}",
    }


def episode(number: int) -> Json:
    key = spotify_id("episod", number)
    return {
        "audio_preview_url": None,
        "description": "",
        "html_description": "",
        "duration_ms": 1_800_000,
        "explicit": False,
        "external_urls": {"spotify": f"https://open.spotify.com/episode/{key}"},
        "href": f"https://api.spotify.com/v1/episodes/{key}",
        "id": key,
        "images": [],
        "is_externally_hosted": False,
        "is_playable": True,
        "language": "en",
        "languages": ["en"],
        "name": f"Episode {number}",
        "release_date": "2020-01-01",
        "release_date_precision": "day",
        "type": "episode",
        "uri": f"spotify:episode:{key}",
        "show": {
            "available_markets": [],
            "copyrights": [],
            "description": "",
            "html_description": "",
            "explicit": False,
            "external_urls": {},
            "href": "",
            "id": spotify_id("show", 1),
            "images": [],
            "is_externally_hosted": False,
            "languages": ["en"],
            "media_type": "audio",
            "name": "The Show",
            "publisher": "The Publisher",
            "type": "show",
            "uri": "spotify:show:1",
            "total_episodes": 1,
        },
    }


def local_track(title: str = "Home Recording", artist_name: str = "Aunt Ida") -> Json:
    """A file on somebody's computer, as Spotify lists it."""
    return {
        **simple_track(0, title, artist_name),
        "album": album(0, "", artist_name) | {"id": None, "uri": None, "href": None},
        "external_ids": {},
        "external_urls": {},
        "href": None,
        "id": None,
        "is_local": True,
        "uri": f"spotify:local:{artist_name.replace(' ', '+')}::{title.replace(' ', '+')}:61",
    }


def saved(item: Json, added_at: str = "2024-01-01T00:00:00Z") -> Json:
    """A SavedTrackObject."""
    return {"added_at": added_at, "track": item}


def playlist_entry(item: Json | None, added_at: str = "2024-01-01T00:00:00Z") -> Json:
    """A PlaylistTrackObject of 2026: the track under `item`, and only there."""
    user = {"external_urls": {}, "href": "", "id": "anna", "type": "user", "uri": "spotify:user:anna"}
    return {"added_at": added_at, "added_by": user, "is_local": bool(item and item.get("is_local")), "item": item}


def numbered(start: int, count: int) -> list[Json]:
    """Saved tracks, the newest (the highest number) first, each added a second after the one before."""
    return [saved(track(number), _at(number)) for number in reversed(range(start, start + count))]


def entries(numbers: Iterable[int]) -> list[Json]:
    return [playlist_entry(track(number), _at(number)) for number in numbers]


def _at(number: int) -> str:
    minutes, second = divmod(number, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"2024-01-{day + 1:02d}T{hour:02d}:{minute:02d}:{second:02d}Z"
