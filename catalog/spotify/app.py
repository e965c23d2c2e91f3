"""A person's own Spotify app: its id, its secret, and which redirect addresses Spotify takes for it.

Apart from `catalog.spotify.auth`, which loads spotipy: 17 MB and 70 ms for whoever only shows the settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings

from catalog.models import SpotifyApp
from catalog.system.encryption import Unsealable, unseal


@dataclass(frozen=True, slots=True)
class App:
    """The person's own Spotify app. The secret is needed only for a token that was made with it."""

    client_id: str
    client_secret: str = field(repr=False, default="")


def app() -> App:
    """The app of the environment, else the stored one; with an empty client id where there is none."""
    if settings.SPOTIFY_CLIENT_ID:
        return App(settings.SPOTIFY_CLIENT_ID, settings.SPOTIFY_CLIENT_SECRET)
    row = SpotifyApp.objects.filter(pk=1).first()
    if row is None:
        return App("")
    try:
        return App(row.client_id, unseal(row.client_secret) if row.client_secret else "")
    except Unsealable:
        return App(row.client_id)


def is_refused_redirect(address: str) -> bool:
    """Whether Spotify takes this redirect address for no app.

    It wants https, or http on a loopback address; `localhost` is none (since April 2025), a pattern of hosts neither.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return True
    if port == 0 or host in ("", "localhost") or "*" in host or parts.username or parts.fragment:
        return True
    return parts.scheme != "https" and not (parts.scheme == "http" and host in {"127.0.0.1", "::1"})
