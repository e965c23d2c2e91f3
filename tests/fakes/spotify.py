"""A Spotify of our own on loopback that speaks the interface of 2026, and can be told to misbehave.

Real HTTP for the real spotipy. Its answers are checked against the OpenAPI file where that is at hand. Faults are laid
per request: ``spotify.fault(r"/me/tracks", status=500, skip=2)`` fails the third page of the liked songs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.fakes.spotify_objects import Json, simple_track, spotify_id

CLIENT_ID = "0123456789abcdef0123456789abcdef"


@dataclass
class Playlist:
    number: int
    name: str = ""
    owner: str = "anna"
    entries: list[Any] = field(default_factory=list)
    collaborative: bool = False
    version: int = 1

    @property
    def key(self) -> str:
        return spotify_id("plist", self.number)

    @property
    def snapshot(self) -> str:
        return f"snapshot-{self.number}-{self.version}"

    def change(self, entries: list[Any]) -> None:
        self.entries = entries
        self.version += 1


@dataclass
class SavedAlbum:
    album: Json
    tracks: list[Any]
    added_at: str = "2024-01-01T00:00:00Z"

    @classmethod
    def of(cls, album: Json, first: int, added_at: str = "2024-01-01T00:00:00Z") -> SavedAlbum:
        return cls(album, [simple_track(first + index) for index in range(album["total_tracks"])], added_at)


@dataclass
class User:
    user_id: str
    name: str = ""
    liked: list[Any] = field(default_factory=list)
    playlists: list[Playlist] = field(default_factory=list)
    albums: list[SavedAlbum] = field(default_factory=list)


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class Fault:
    """Changes answers to requests whose path matches, after ``skip`` of them, ``times`` times."""

    pattern: re.Pattern[str]
    act: Callable[[Callable[[], Answer]], Answer]
    skip: int
    times: int

    def takes(self, path: str) -> bool:
        if not self.pattern.fullmatch(path) or self.times <= 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class SpotifyStandIn:
    """The server. Use it as a context manager; point SPOTIFY_API_URL and SPOTIFY_ACCOUNTS_URL at it."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.catalog: list[Json] = []  # track objects that anybody may ask for
        self.albums: list[SavedAlbum] = []  # and albums
        self.requests: list[Request] = []
        self.answers: list[tuple[Request, Answer]] = []
        self.faults: list[Fault] = []
        self.recorded: dict[str, dict[int, Any]] = {}
        self.access: dict[str, str] = {}  # access token -> user
        self.refresh: dict[str, str] = {}  # refresh token -> user
        self.codes: dict[str, tuple[str, str, str]] = {}  # code -> (user, PKCE challenge, redirect)
        self.client_secret = ""
        self.redirects: set[str] = set()  # what the app's settings list; none: any
        self.consenting = "anna"
        self.expires_in = 3600
        self._made = 0
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> SpotifyStandIn:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    # --- What a test arranges ---

    def add(self, user: User) -> User:
        self.users[user.user_id] = user
        return user

    def token(self, user_id: str, expires_in: int | None = None) -> Json:
        """A token as the token endpoint gives it out."""
        self._made += 1
        access, refresh = f"access-{self._made}-secret", f"refresh-{self._made}-secret"
        self.access[access], self.refresh[refresh] = user_id, user_id
        return {
            "access_token": access,
            "token_type": "Bearer",
            "scope": "user-library-read",
            "expires_in": self.expires_in if expires_in is None else expires_in,
            "refresh_token": refresh,
        }

    def fault(
        self,
        path: str,
        status: int = 500,
        body: Any = None,
        headers: dict[str, str] | None = None,
        skip: int = 0,
        times: int = 1,
    ) -> None:
        """Answer ``times`` requests for ``path`` (a regular expression) with an error, after ``skip`` good ones."""
        said = {"error": {"status": status, "message": "A fault"}} if body is None else body
        self.faults.append(Fault(re.compile(path), lambda _: Answer(status, said, headers or {}), skip, times))

    def twist(self, path: str, edit: Callable[[Any], Any], skip: int = 0, times: int = 1) -> None:
        """Let ``edit`` change the body of an answer (in place, or by returning another one)."""

        def act(honest: Callable[[], Answer]) -> Answer:
            answer = honest()
            body = json.loads(json.dumps(answer.body))
            return Answer(answer.status, edit(body) or body, answer.headers)

        self.faults.append(Fault(re.compile(path), act, skip, times))

    def meanwhile(self, path: str, deed: Callable[[], object], skip: int = 0, times: int = 1) -> None:
        """Do something right after a request was answered: a person changes a list while we read it."""

        def act(honest: Callable[[], Answer]) -> Answer:
            answer = honest()
            body = json.loads(json.dumps(answer.body))
            deed()
            return Answer(answer.status, body, answer.headers)

        self.faults.append(Fault(re.compile(path), act, skip, times))

    def hang(self, path: str, skip: int = 0, times: int = 1) -> None:
        """Never answer, until the stand-in ends."""

        def act(honest: Callable[[], Answer]) -> Answer:
            self._released.wait(30)
            return honest()

        self.faults.append(Fault(re.compile(path), act, skip, times))

    def replay(self, path: str, *pages: Any) -> None:
        """Answer ``path`` with recorded pages, each at its own offset."""
        self.recorded[path] = {page.get("offset", 0): page for page in pages}

    def paths(self) -> list[str]:
        """The interface's paths asked for so far, without the token endpoint."""
        return [request.path for request in self.requests if request.path.startswith("/v1/")]

    # --- What it answers ---

    def answer(self, request: Request) -> Answer:
        def honest() -> Answer:
            with self._lock:
                return self._answer(request)

        with self._lock:
            self.requests.append(request)
            path = request.path.removeprefix("/v1")
            fault = next((fault for fault in self.faults if fault.takes(path)), None)
        answer = fault.act(honest) if fault else honest()
        with self._lock:
            self.answers.append((request, answer))
        return answer

    def _answer(self, request: Request) -> Answer:
        if request.path == "/authorize":
            return self._authorize(request)
        if request.path == "/api/token":
            return self._token(request)
        user = self.users.get(self.access.get(request.headers.get("authorization", "").removeprefix("Bearer "), ""))
        if user is None:
            return _error(401, "The access token expired")
        path = request.path.removeprefix("/v1")
        if path in self.recorded:
            page = self.recorded[path].get(int(request.query.get("offset", 0)))
            return Answer(200, page) if page else _error(404, "Nothing recorded at this offset")
        if int(request.query.get("limit", 20)) > 50:
            return _error(400, "Invalid limit")
        return self._library(user, path, request)

    def _library(self, user: User, path: str, request: Request) -> Answer:
        if path == "/me":
            return Answer(200, self._me(user))
        if path == "/me/tracks":
            return self._page(request, user.liked)
        if path == "/me/playlists":
            return self._page(request, [self._listed(playlist) for playlist in user.playlists])
        if path == "/me/albums":
            return self._page(request, [self._saved_album(saved) for saved in user.albums])
        if found := re.fullmatch(r"/playlists/(\w+)(/items)?", path):
            return self._playlist(user, found[1], bool(found[2]), request)
        if found := re.fullmatch(r"/tracks/(\w+)", path):
            known = {raw["id"]: raw for raw in self.catalog}
            return Answer(200, known[found[1]]) if found[1] in known else _error(404, "Resource not found")
        if found := re.fullmatch(r"/albums/(\w+)", path):
            saved = next((each for each in self.albums if each.album["id"] == found[1]), None)
            return Answer(200, self._saved_album(saved)["album"]) if saved else _error(404, "Resource not found")
        if found := re.fullmatch(r"/albums/(\w+)/tracks", path):
            return self._album_tracks(user, found[1], request)
        return _error(404, "Service not found")

    def _me(self, user: User) -> Json:
        return {
            "country": "NL",
            "display_name": user.name or user.user_id.title(),
            "explicit_content": {"filter_enabled": False, "filter_locked": False},
            "external_urls": {},
            "followers": {"href": None, "total": 0},
            "href": f"{self.url}/v1/users/{user.user_id}",
            "id": user.user_id,
            "images": [],
            "product": "premium",
            "type": "user",
            "uri": f"spotify:user:{user.user_id}",
        }

    def _page(self, request: Request, items: list[Any]) -> Answer:
        limit, offset = int(request.query.get("limit", 20)), int(request.query.get("offset", 0))
        here = f"{self.url}{request.path}"

        def at(place: int) -> str:
            return f"{here}?offset={place}&limit={limit}"

        body = {
            "href": at(offset),
            "items": items[offset : offset + limit],
            "limit": limit,
            "next": at(offset + limit) if offset + limit < len(items) else None,
            "offset": offset,
            "previous": at(max(0, offset - limit)) if offset else None,
            "total": len(items),
        }
        return Answer(200, body)

    def _listed(self, playlist: Playlist) -> Json:
        href = f"{self.url}/v1/playlists/{playlist.key}"
        owner = {"external_urls": {}, "href": "", "id": playlist.owner, "type": "user", "uri": ""}
        return {
            "collaborative": playlist.collaborative,
            "description": "",
            "external_urls": {},
            "href": href,
            "id": playlist.key,
            "images": [],
            "name": playlist.name or f"Playlist {playlist.number}",
            "owner": owner | {"display_name": playlist.owner.title()},
            "public": True,
            "snapshot_id": playlist.snapshot,
            "items": {"href": f"{href}/items", "total": len(playlist.entries)},
            "type": "playlist",
            "uri": f"spotify:playlist:{playlist.key}",
        }

    def _playlist(self, user: User, key: str, items: bool, request: Request) -> Answer:
        playlist = next((found for found in user.playlists if found.key == key), None)
        if playlist is None:
            return _error(404, "Resource not found")
        if items and playlist.owner != user.user_id and not playlist.collaborative:
            return _error(403, "Forbidden")
        if items:
            return self._page(request, playlist.entries)
        whole = self._listed(playlist)
        fields = request.query.get("fields", "")
        return Answer(200, {name: whole[name] for name in fields.split(",")} if fields else whole)

    def _saved_album(self, saved: SavedAlbum) -> Json:
        tracks = Request("GET", f"/v1/albums/{saved.album['id']}/tracks", {"limit": "50"}, {}, {})
        more = {"copyrights": [], "external_ids": {}, "genres": [], "label": "", "popularity": 0}
        return {
            "added_at": saved.added_at,
            "album": {**more, **saved.album, "tracks": self._page(tracks, saved.tracks).body},
        }

    def _album_tracks(self, user: User, key: str, request: Request) -> Answer:
        saved = next((found for found in [*user.albums, *self.albums] if found.album["id"] == key), None)
        return self._page(request, saved.tracks) if saved else _error(404, "Resource not found")

    # --- Signing in ---

    def _authorize(self, request: Request) -> Answer:
        """The person consents at once and is sent back; an app or address that is not known gets a page of one line."""
        if request.query.get("client_id") != CLIENT_ID:
            return Answer(400, b"INVALID_CLIENT: Invalid client")
        if self.redirects and request.query["redirect_uri"] not in self.redirects:
            return Answer(400, b"INVALID_CLIENT: Invalid redirect URI")
        code = f"code-{len(self.codes) + 1}-secret"
        redirect = request.query["redirect_uri"]
        self.codes[code] = (self.consenting, request.query["code_challenge"], redirect)
        return Answer(302, "", {"Location": f"{redirect}?{urlencode({'code': code, 'state': request.query['state']})}"})

    def _token(self, request: Request) -> Answer:
        if self.client_secret:
            wanted = base64.b64encode(f"{CLIENT_ID}:{self.client_secret}".encode()).decode()
            if request.headers.get("authorization") != f"Basic {wanted}":
                return Answer(400, {"error": "invalid_client", "error_description": "Invalid client"})
        elif request.form.get("client_id") != CLIENT_ID:
            return Answer(400, {"error": "invalid_client", "error_description": "Invalid client"})
        if request.form.get("grant_type") == "authorization_code":
            return self._for_code(request.form)
        user = self.refresh.pop(request.form.get("refresh_token", ""), None)  # each one is good for one use
        return Answer(200, self.token(user)) if user else _invalid_grant("Refresh token revoked")

    def _for_code(self, form: dict[str, str]) -> Answer:
        user, challenge, redirect = self.codes.pop(form.get("code", ""), ("", "", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if not user or form.get("redirect_uri") != redirect:
            return _invalid_grant("Invalid authorization code")
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != challenge:
            return _invalid_grant("code_verifier was incorrect")
        return Answer(200, self.token(user))


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"status": status, "message": message}})


def _invalid_grant(description: str) -> Answer:
    return Answer(400, {"error": "invalid_grant", "error_description": description})


def _handler(spotify: SpotifyStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: else each answer waits 40 ms for a delayed ACK

        def do_GET(self) -> None:
            self._speak({})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self._speak({name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()})

        def _speak(self, form: dict[str, str]) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = address.path if address.path == "/" else address.path.rstrip("/")
            answer = spotify.answer(Request(self.command, path, query, form, headers))
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the asker has hung up

        def log_message(self, *_: object) -> None:
            pass

    return Handler
