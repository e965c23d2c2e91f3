"""Jellyfin and Plex, by the addresses, headers and bodies that their published interfaces name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from downloads.players.media_servers import refresh_jellyfin, refresh_plex
from downloads.players.web_api import PlayerError
from tests.downloads.loopback import Loopback, sends, status

KEY = "0123456789abcdef"
SECTIONS = {
    "MediaContainer": {
        "Directory": [
            {"key": "1", "type": "movie", "Location": [{"id": 1, "path": "/films"}]},
            {"key": "4", "type": "artist", "Location": [{"id": 2, "path": "/data/music"}]},
        ]
    }
}


def only_with(header: str, value: str, answer: Callable[[BaseHTTPRequestHandler], None]) -> Callable[..., None]:
    return lambda request: (answer if request.headers.get(header) == value else status(401))(request)


@pytest.fixture
def jellyfin() -> Iterator[Loopback]:
    """Operations PostUpdatedMedia and RefreshLibrary of its OpenAPI description: 204, or 401 without the key."""
    took = only_with("Authorization", f'MediaBrowser Token="{KEY}"', status(204))
    with Loopback({"/Library/Media/Updated": took, "/Library/Refresh": took}) as server:
        yield server


@pytest.fixture
def plex() -> Iterator[Loopback]:
    sections = only_with("X-Plex-Token", KEY, sends(json.dumps(SECTIONS).encode(), "application/json"))
    refresh = only_with("X-Plex-Token", KEY, sends(b"", "text/html"))
    with Loopback({"/library/sections": sections, "/library/sections/4/refresh": refresh}) as server:
        yield server


def test_jellyfin_hears_of_the_folders_or_of_everything(jellyfin: Loopback) -> None:
    assert refresh_jellyfin(f"{jellyfin.url}/", KEY, ["/media/Ólöf/Hafið"]) == "It looks through what has changed."
    assert json.loads(jellyfin.bodies[0]) == {"Updates": [{"Path": "/media/Ólöf/Hafið", "UpdateType": "Modified"}]}
    refresh_jellyfin(jellyfin.url, KEY, [])
    assert jellyfin.asked == ["POST /Library/Media/Updated", "POST /Library/Refresh"]


def test_plex_refreshes_the_folders_of_its_music_alone(plex: Loopback) -> None:
    refresh_plex(plex.url, KEY, ["/data/music/A & B"])
    assert plex.asked == ["GET /library/sections", "GET /library/sections/4/refresh?path=%2Fdata%2Fmusic%2FA+%26+B"]
    refresh_plex(plex.url, KEY, [])
    assert plex.asked[-1] == "GET /library/sections/4/refresh"
    with pytest.raises(PlayerError, match="check how Plex names it"):
        refresh_plex(plex.url, KEY, ["/somewhere/else"])


def test_a_wrong_key_and_a_server_that_is_away_are_said_without_the_key(jellyfin: Loopback, plex: Loopback) -> None:
    for call, address in ((refresh_jellyfin, jellyfin.url), (refresh_plex, plex.url)):
        with pytest.raises(PlayerError, match=r"^It refused the password or token\.$"):
            call(address, "wrong", [])
        with pytest.raises(PlayerError, match=r"^It could not be reached\.$"):
            call("http://127.0.0.1:9", KEY, [])
