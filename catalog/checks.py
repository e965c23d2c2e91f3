"""Settings that fit badly together: said by `manage.py check` and at each start, before a person wonders.

No check looks at the music folder: that a drive is not there is a state of the library, and a hung one must not hang
a command.
"""

from __future__ import annotations

from sqlite3 import sqlite_version, sqlite_version_info
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from catalog.spotify.app import is_refused_redirect

EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104
THIS_MACHINE = {"127.0.0.1", "localhost", "[::1]"}
LEAST_SQLITE = (3, 35, 0)  # UPDATE … RETURNING (the claim) and AS MATERIALIZED (the counters); Django asks for 3.31


@register("installation")
def open_to_nobody(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Listening to a network whose machines are all refused by their host name."""
    if settings.BIND not in EVERYWHERE or not set(settings.ALLOWED_HOSTS) <= THIS_MACHINE:
        return []
    hint = "Set ALLOWED_HOSTS to the names that browsers will use, e.g. ALLOWED_HOSTS=nas.local,192.168.1.5."
    text = f"BIND is {settings.BIND}, but ALLOWED_HOSTS names only this machine: every other one is answered 400."
    return [Warning(text, hint=hint, id="catalog.W001")]


@register("installation")
def sqlite_that_is_too_old(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without RETURNING no track can be claimed: nothing would ever be fetched."""
    if not settings.SQLITE or sqlite_version_info >= LEAST_SQLITE:
        return []
    text = f"SQLite is {sqlite_version}; Tonekeep needs {'.'.join(map(str, LEAST_SQLITE))} or newer."
    hint = "Use a Python that brings a newer SQLite, or PostgreSQL (DATABASE_URL)."
    return [Error(text, hint=hint, id="catalog.E001")]


@register("installation")
def redirect_that_spotify_refuses(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Spotify takes no `localhost` (since April 2025), and plain http only on a loopback address."""
    if not is_refused_redirect(settings.SPOTIFY_REDIRECT_URI):
        return []
    hint = f"Set SPOTIFY_REDIRECT_URI=http://127.0.0.1:{settings.PORT}/connect/callback, or an https address."
    text = f"Spotify refuses the address {settings.SPOTIFY_REDIRECT_URI}."
    return [Warning(text, hint=hint, id="catalog.W002")]
