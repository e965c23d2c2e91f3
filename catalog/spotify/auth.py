"""Signing in to Spotify: the app, the consent, and tokens, which are stored sealed in the account's row.

Two of spotipy's habits are kept out: without a valid token it calls `input()`, and its caches are files. A PKCE refresh
makes the refresh token before it worthless, so two processes must never refresh at once.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests
from django.conf import settings
from django.db import connection, transaction
from spotipy.cache_handler import CacheHandler, MemoryCacheHandler
from spotipy.oauth2 import SpotifyOauthError, SpotifyPKCE

from catalog.db import database_clock
from catalog.models import Account, Service
from catalog.spotify.app import app
from catalog.spotify.errors import Kind, Refusal, token_refusal, unreachable
from catalog.system.encryption import Unsealable, seal, unseal
from catalog.system.file_locks import lock

SCOPES = ["playlist-read-private", "playlist-read-collaborative", "user-library-read", "user-read-private"]
LONGEST_PAGE = 2000  # characters of an answer that are looked at
TIMEOUT = 10.0  # seconds without a byte: other processes wait for a refresh, and SQLite's writers wait for 20
logging.getLogger("spotipy").setLevel(logging.CRITICAL)  # it logs tokens at DEBUG; what is an error, we say ourselves

Clock = Callable[[], datetime]


class RowToken(CacheHandler):
    """The token in an account's row, sealed. spotipy reads and writes it through this."""

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id

    def get_cached_token(self) -> dict[str, Any]:
        """The token; raises Refusal where there is none that can be read."""
        sealed = Account.objects.values_list("token", flat=True).get(pk=self.account_id)
        try:
            return json.loads(unseal(sealed))
        except (Unsealable, ValueError) as error:
            lost = "The stored permission cannot be read (SECRET_KEY has changed?); connect the account again."
            raise Refusal(Kind.RECONNECT, lost) from error

    def save_token_to_cache(self, token_info: dict[str, Any]) -> None:
        """Seal and store. What else stood with the token stays."""
        token = self.get_cached_token() | token_info
        Account.objects.filter(pk=self.account_id).update(token=seal(json.dumps(token)))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time, on PostgreSQL by the row's lock. SQLite's only lock would stop every writer."""
        if not connection.features.has_select_for_update:
            with lock(f"token-{self.account_id}"):
                yield
            return
        with transaction.atomic():
            Account.objects.select_for_update().get(pk=self.account_id)
            yield


class HeldToken(MemoryCacheHandler):
    """A token that has no row yet, while an account is being connected."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        yield


class TokenKeeper:
    """What spotipy asks for an access token. Refreshes it when it is about to expire, one process at a time."""

    def __init__(self, cache: RowToken | HeldToken, clock: Clock) -> None:
        self.cache = cache
        self.clock = clock
        self.refused = ""  # an access token that Spotify has answered with 401

    def get_access_token(self, as_dict: bool = False) -> str:
        """The access token. Raises Refusal."""
        token = self.cache.get_cached_token()
        if self._is_stale(token):
            with self.cache.alone():
                token = self.cache.get_cached_token()  # another process may have refreshed it meanwhile
                if self._is_stale(token):
                    token = self._refresh(token)
        return token["access_token"]

    def _is_stale(self, token: dict[str, Any]) -> bool:
        access = token.get("access_token")
        return not access or access == self.refused or SpotifyPKCE.is_token_expired(token)

    def _refresh(self, token: dict[str, Any]) -> dict[str, Any]:
        return ask_for_token(
            lambda manager: manager.refresh_access_token(token["refresh_token"]), self.cache, self.clock
        )


def ask_for_token(deed: Callable[[SpotifyPKCE], Any], cache: CacheHandler, clock: Clock = database_clock.now) -> Any:
    """Something that asks Spotify's token endpoint; raises Refusal, which never holds what was sent."""
    try:
        return deed(_manager(cache))
    except SpotifyOauthError as error:
        answer = getattr(error.__context__, "response", None)
        status = answer.status_code if answer is not None else 400
        header = answer.headers.get("Retry-After") if answer is not None else None
        raise token_refusal(status, str(error.error or ""), header, clock(), pauses_in_a_row()) from None
    except requests.Timeout:
        raise unreachable(clock(), pauses_in_a_row(), timed_out=True) from None
    except (requests.RequestException, KeyError, AttributeError, TypeError, ValueError):
        raise unreachable(clock(), pauses_in_a_row()) from None


def _manager(cache: CacheHandler) -> SpotifyPKCE:
    """PKCE, and with it the app's secret where one is known: Spotify then wants it as well."""
    ours = app()
    if not ours.client_id:
        raise Refusal(Kind.RECONNECT, "No Spotify app is set up; enter its client id on the connect page.")
    session = requests.Session()
    if ours.client_secret:
        session.auth = (ours.client_id, ours.client_secret)
    manager = SpotifyPKCE(
        client_id=ours.client_id,
        redirect_uri=settings.SPOTIFY_REDIRECT_URI,
        scope=SCOPES,
        requests_session=session,
        requests_timeout=TIMEOUT,
        open_browser=False,
        cache_handler=cache,
    )
    manager.OAUTH_AUTHORIZE_URL = f"{settings.SPOTIFY_ACCOUNTS_URL}/authorize"
    manager.OAUTH_TOKEN_URL = f"{settings.SPOTIFY_ACCOUNTS_URL}/api/token"
    return manager


def consent_address(state: str) -> tuple[str, str]:
    """(The address where a person consents, the PKCE verifier to keep until they come back). Raises Refusal."""
    manager = _manager(HeldToken())
    manager.get_pkce_handshake_parameters()
    return manager.get_authorize_url(state=state), manager.code_verifier


UNKNOWN_APP = "Spotify knows no app with this client id{}: copy it once more from the app's settings."
UNKNOWN_ADDRESS = (
    "Spotify does not know the address {} for this app: enter it there under Redirect URIs, exactly so, and save."
)


def app_problem() -> str:
    """What Spotify has against the app or its redirect address, in a sentence; "" where it has nothing.

    Without a person's consent: a code that nobody was given is refused for its own sake only where the app is known,
    and the page of the consent names a wrong address before, or after, somebody logs in there.
    """
    ours = app()
    form = {"grant_type": "authorization_code", "code": "none", "code_verifier": "0" * 43, "client_id": ours.client_id}
    form["redirect_uri"] = settings.SPOTIFY_REDIRECT_URI
    secret = (ours.client_id, ours.client_secret) if ours.client_secret else None
    try:
        token = f"{settings.SPOTIFY_ACCOUNTS_URL}/api/token"
        refused = requests.post(token, form, auth=secret, timeout=TIMEOUT, allow_redirects=False)
        consent = requests.get(consent_address("test")[0], timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException:
        return "Spotify cannot be reached, so the app was not tested; try again."
    said = f"{refused.text[:LONGEST_PAGE]} {consent.text[:LONGEST_PAGE] if consent.status_code >= 400 else ''}".lower()
    if "redirect uri" in said or "redirect_uri" in said:
        return UNKNOWN_ADDRESS.format(settings.SPOTIFY_REDIRECT_URI)
    if "invalid_client" in said:
        return UNKNOWN_APP.format(", or not with this secret" if secret else "")
    return ""


def token_for_code(code: str, verifier: str) -> dict[str, Any]:
    """The token for the code that a consent brought back. Raises Refusal."""
    token = HeldToken()

    def exchange(manager: SpotifyPKCE) -> None:
        manager.code_verifier, manager.code_challenge = verifier, "already sent"
        manager.get_access_token(code=code, check_cache=False)

    ask_for_token(exchange, token)
    return token.get_cached_token()


def pauses_in_a_row() -> int:
    """Pauses in a row so far."""
    return Service.objects.filter(name="spotify").values_list("strikes", flat=True).first() or 0
