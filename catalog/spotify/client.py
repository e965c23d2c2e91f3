"""Calls of the Spotify Web API (2026) through spotipy. Every error is a `catalog.spotify.errors.Refusal`.

spotipy gets a plain `requests.Session`: with its own it sleeps through a 429's whole Retry-After and loses the header.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests
import spotipy
from django.conf import settings

from catalog.db import database_clock
from catalog.models import Account
from catalog.spotify import auth, checkpoint
from catalog.spotify.auth import Clock, HeldToken, RowToken, TokenKeeper, pauses_in_a_row
from catalog.spotify.errors import Kind, Refusal, broken_answer, refusal_of, unreachable
from catalog.spotify.library_reader import Known, KnownCollection, LibraryReader, Unlisted
from catalog.spotify.paging import PAGE
from catalog.system.atomic_files import remove_stale

__all__ = ["Api", "KnownCollection", "LibraryReader", "Refusal", "read_library"]


def read_library(account: Account, known: Known, now: datetime, long_unlisted: Unlisted = ()) -> LibraryReader:
    """The records of everything in an account's library; see `LibraryReader` for what it says at the end."""
    folder = settings.DATA_DIR / checkpoint.FOLDER
    remove_stale(folder, checkpoint.KEPT_FOR)
    return LibraryReader(Api(RowToken(account.pk), lambda: now), account.user_id, known, folder, long_unlisted)


class _Line(requests.Session):
    """Counts requests and keeps the last answer. Follows no redirect: the token goes nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.last: requests.Response | None = None

    def request(self, *args: Any, **options: Any) -> requests.Response:
        self.calls += 1
        self.last = None
        self.last = super().request(*args, **options | {"allow_redirects": False})
        return self.last


class Api:
    """Spotify's interface for one token. Every call is counted, and every refusal is a Refusal."""

    def __init__(self, cache: RowToken | HeldToken, clock: Clock = database_clock.now) -> None:
        self.clock = clock
        self.keeper = TokenKeeper(cache, clock)
        self.line = _Line()
        self.spotify = spotipy.Spotify(
            auth_manager=self.keeper,
            requests_session=self.line,
            requests_timeout=auth.TIMEOUT,
            retries=0,
            status_retries=0,
        )
        self.spotify.prefix = f"{settings.SPOTIFY_API_URL}/"

    @property
    def calls(self) -> int:
        """Requests made so far, the token endpoint's aside."""
        return self.line.calls

    def me(self) -> Any:
        return self._ask(lambda: self.spotify.me())

    def liked(self, offset: int) -> Any:
        return self._ask(lambda: self.spotify.current_user_saved_tracks(limit=PAGE, offset=offset))

    def playlists(self, offset: int) -> Any:
        return self._ask(lambda: self.spotify.current_user_playlists(limit=PAGE, offset=offset))

    def playlist(self, playlist_id: str) -> Any:
        return self._ask(lambda: self.spotify.playlist(playlist_id, fields="id,snapshot_id"))

    def playlist_items(self, playlist_id: str, offset: int) -> Any:
        return self._ask(lambda: self.spotify.playlist_items(playlist_id, limit=PAGE, offset=offset))

    def albums(self, offset: int) -> Any:
        return self._ask(lambda: self.spotify.current_user_saved_albums(limit=PAGE, offset=offset))

    def album_tracks(self, album_id: str, offset: int) -> Any:
        return self._ask(lambda: self.spotify.album_tracks(album_id, limit=PAGE, offset=offset))

    def album(self, album_id: str) -> Any:
        return self._ask(lambda: self.spotify.album(album_id))

    def track(self, track_id: str) -> Any:
        return self._ask(lambda: self.spotify.track(track_id))

    def _ask(self, call: Callable[[], Any]) -> Any:
        """The answer. A 401 is answered with one refresh and a second try: tokens end early now and then."""
        try:
            return self._once(call)
        except Refusal as refusal:
            access = self._sent_token()
            if refusal.kind != Kind.RECONNECT or not access or access == self.keeper.refused:
                raise
            self.keeper.refused = access
        return self._once(call)

    def _sent_token(self) -> str:
        """The access token of the call that was answered with 401, or ""."""
        answer = self.line.last
        if answer is None or answer.status_code != 401:
            return ""
        return str(answer.request.headers.get("Authorization", "")).removeprefix("Bearer ")

    def _once(self, call: Callable[[], Any]) -> Any:
        self.line.last = None
        try:
            answer = call()
        except spotipy.SpotifyException as error:
            raise self._refusal(error.http_status, error.msg, error.reason, error.headers) from None
        except requests.Timeout:
            raise unreachable(self.clock(), pauses_in_a_row(), timed_out=True) from None
        except requests.RequestException:
            raise unreachable(self.clock(), pauses_in_a_row()) from None
        except AttributeError:  # spotipy expects an error's body to be an object with an object in it
            response = self.line.last
            if response is None or response.ok:
                raise
            raise self._refusal(response.status_code, response.text[:500], "", response.headers) from None
        if answer is None:
            raise broken_answer()
        return answer

    def _refusal(self, status: int, message: Any, reason: Any, headers: Any) -> Refusal:
        after = (headers or {}).get("Retry-After")
        return refusal_of(status, str(message or ""), str(reason or ""), after, self.clock(), pauses_in_a_row())
