"""A Spotify of our own, for the tests of the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.fakes.spotify import CLIENT_ID, SpotifyStandIn, User


@pytest.fixture
def spotify(settings: LazySettings, tmp_path: Path) -> Iterator[SpotifyStandIn]:
    """The stand-in, running, with the settings pointing at it."""
    with SpotifyStandIn() as stand_in:
        settings.DATA_DIR = tmp_path
        settings.SPOTIFY_API_URL = f"{stand_in.url}/v1"
        settings.SPOTIFY_ACCOUNTS_URL = stand_in.url
        settings.SPOTIFY_CLIENT_ID = CLIENT_ID
        settings.SPOTIFY_CLIENT_SECRET = ""
        settings.SPOTIFY_REFRESH_TOKEN = ""
        yield stand_in


@pytest.fixture
def anna(spotify: SpotifyStandIn) -> User:
    """A Spotify user with nothing in her library yet."""
    return spotify.add(User("anna"))
