"""What `manage.py check` says of settings that fit badly together, and that passwords cannot be guessed."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks


def warnings() -> set[str]:
    return {str(message.id) for message in run_checks(tags=["installation"]) if str(message.id).startswith("catalog.")}


def test_the_settings_we_ship_fit_together() -> None:
    assert warnings() == set()


def test_a_network_that_is_refused_by_name_is_said(settings: LazySettings) -> None:
    settings.BIND, settings.ALLOWED_HOSTS = "0.0.0.0", ["127.0.0.1", "localhost", "[::1]"]
    assert warnings() == {"catalog.W001"}
    settings.ALLOWED_HOSTS = ["nas.local"]
    assert warnings() == set()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://localhost:8000/connect/callback", True),
        ("http://nas.local:8000/connect/callback", True),
        ("http://192.168.1.20:8000/connect/callback", True),
        ("https://localhost:8000/connect/callback", True),
        ("nas.local/connect/callback", True),
        ("http://[::1:8000/connect/callback", True),
        ("https://music.example/connect/callback", False),
        ("http://[::1]:8000/connect/callback", False),
    ],
)
def test_an_address_that_spotify_refuses_is_said(settings: LazySettings, address: str, said: bool) -> None:
    settings.SPOTIFY_REDIRECT_URI = address
    assert warnings() == ({"catalog.W002"} if said else set())


def test_a_sqlite_that_cannot_claim_is_refused_but_not_beside_postgresql(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.checks.sqlite_version_info", (3, 34, 1))
    settings.SQLITE = True
    assert warnings() == {"catalog.E001"}
    settings.SQLITE = False
    assert warnings() == set()
