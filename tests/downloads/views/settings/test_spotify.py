"""The page of the Spotify connection says what Spotify would refuse, before a person enters it there."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

pytestmark = pytest.mark.django_db


def steps(client: Client, settings: LazySettings, address: str) -> str:
    """The page of an account that is to be connected, where Spotify is to send its answer to ``address``."""
    settings.SPOTIFY_REDIRECT_URI, settings.SPOTIFY_CLIENT_ID = address, ""
    return client.get("/connect").content.decode()


@pytest.mark.parametrize(
    "address", ["http://192.168.1.20:8000/connect/callback", "http://localhost:8000/connect/callback"]
)
def test_an_address_that_spotify_refuses_is_said_in_place_of_the_steps(
    admin_client: Client, settings: LazySettings, address: str
) -> None:
    page = steps(admin_client, settings, address)

    assert f"Spotify refuses the address <code>{address}</code>" in page
    assert "SPOTIFY_REDIRECT_URI=http://127.0.0.1:" in page
    assert "enter exactly" not in page and "/connect/start" not in page


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000/connect/callback", "https://music.example/connect/callback"]
)
def test_an_address_that_spotify_takes_is_to_be_entered(
    admin_client: Client, settings: LazySettings, address: str
) -> None:
    page = steps(admin_client, settings, address)

    assert f"enter exactly <code>{address}</code>" in page and "refuses" not in page
