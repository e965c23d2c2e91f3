"""Which redirect address Spotify takes. Pure.

Apart from `catalog.spotify.auth`, which loads spotipy: 17 MB and 70 ms for whoever only checks the settings.
"""

from __future__ import annotations

from urllib.parse import urlsplit


def is_refused_redirect(address: str) -> bool:
    """Whether Spotify takes this redirect address for no app.

    It wants https, or http on a loopback address; `localhost` is none (since April 2025).
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return True
    if port == 0 or host in ("", "localhost") or parts.username:
        return True
    return parts.scheme != "https" and not (parts.scheme == "http" and host in {"127.0.0.1", "::1"})
