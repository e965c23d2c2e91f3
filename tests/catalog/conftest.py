"""A Spotify of our own, for the tests of the catalog."""

from __future__ import annotations

import os
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


def mount_line(device: int, point: str, filesystem: str) -> str:
    """A line of /proc/self/mountinfo; ``device`` as in ``st_dev``."""
    return f"36 35 {os.major(device)}:{os.minor(device)} / {point} rw,noatime master:1 - {filesystem} /dev/x rw\n"


@pytest.fixture
def trusted_filesystem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's folder is on ext4, says the mount table: on overlay (containers) no folder would get a stamp."""
    lines = [mount_line(tmp_path.stat().st_dev, "/", "ext4")]
    monkeypatch.setattr("catalog.system.mount_table.read_lines", lambda: lines)
