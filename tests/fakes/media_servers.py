"""Jellyfin and Plex as their published interfaces have them: what is not in them is 404, 400 or 405.

Operations, parameters and bodies are those of Jellyfin's OpenAPI description (10.9 to 10.11) and of Plex's; Jellyfin's
refusals are those of its source: a playlist is changed by its user alone, an API key is none.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.fakes.loopback_server import LoopbackServer

JELLYFIN_USER, JELLYFIN_PASSWORD, JELLYFIN_KEY = "anna", "open sesame", "0123456789abcdef"
PLEX_TOKEN = "xyzzy"


class Song(NamedTuple):
    title: str
    album: str
    artist: str
    path: str


class Call(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: Any


class Refused(Exception):
    """Answered with this status."""

    def __init__(self, status: int) -> None:
        self.status = status


class Operation(NamedTuple):
    method: str
    path: str  # a pattern; its groups are the operation's arguments
    does: Callable[..., tuple[int, Any]]
    query: frozenset[str] = frozenset()
    body: frozenset[str] = frozenset()


class MediaServer(LoopbackServer):
    """``asked``: what was called, in order; ``songs``: what it has found, by id; ``playlists``: id -> name, songs."""

    operations: list[Operation]

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.songs: dict[str, Song] = {}
        self.playlists: dict[str, tuple[str, list[str]]] = {}
        super().__init__(_handler_for(self))

    def admit(self, call: Call) -> None:
        raise NotImplementedError

    def answer(self, call: Call) -> tuple[int, Any]:
        fitting = [(one, found) for one in self.operations if (found := re.fullmatch(one.path, call.path))]
        if not fitting:
            return 404, None
        operation, found = next((pair for pair in fitting if pair[0].method == call.method), (None, None))
        if operation is None or found is None:
            return 405, None
        if call.query.keys() - operation.query or (call.body or {}).keys() - operation.body:
            return 400, None
        try:
            self.admit(call)
            return operation.does(call, *found.groups())
        except Refused as refused:
            return refused.status, None

    def shown(self) -> dict[str, list[str]]:
        """Name -> titles of each playlist."""
        return {name: [self.songs[pk].title for pk in songs] for name, songs in self.playlists.values()}

    def has(self, playlist: str) -> tuple[str, list[str]]:
        if playlist not in self.playlists:
            raise Refused(404)
        return self.playlists[playlist]


def _handler_for(server: MediaServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            place = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(place.query, keep_blank_values=True).items()}
            server.asked.append(f"{self.command} {self.path}")
            is_json = "json" in self.headers.get("Content-Type", "")
            call = Call(self.command, place.path, query, json.loads(sent) if is_json else None, self.headers)
            status, body = server.answer(call)
            self.send_response(status)
            data = b"" if body is None else json.dumps(body).encode()
            self.send_header("Content-Type", "application/json" if data else "text/html")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


class FakeJellyfin(MediaServer):
    def __init__(self) -> None:
        self.token = uuid.uuid4().hex
        item, words = "([0-9a-f]{32})", frozenset
        self.operations = [
            Operation("POST", "/Users/AuthenticateByName", self._log_in, body=words({"Username", "Pw"})),
            Operation("POST", "/Library/Media/Updated", lambda call: (204, None), body=words({"Updates"})),
            Operation("POST", "/Library/Refresh", lambda call: (204, None)),
            Operation(
                "GET", "/Items", self._items, words({"includeItemTypes", "recursive", "searchTerm", "fields", "limit"})
            ),
            Operation("POST", "/Playlists", self._make, body=words({"Name", "Ids", "MediaType", "UserId", "IsPublic"})),
            Operation("POST", f"/Playlists/{item}", self._change, body=words({"Name", "Ids", "IsPublic"})),
            Operation("DELETE", f"/Items/{item}", self._delete),
        ]
        super().__init__()

    def find(self, song: Song) -> str:
        pk = uuid.uuid4().hex
        self.songs[pk] = song
        return pk

    def admit(self, call: Call) -> None:
        said = dict(re.findall(r'(\w+)="([^"]*)"', call.headers.get("Authorization", "")))
        if not call.headers.get("Authorization", "").startswith("MediaBrowser "):
            raise Refused(401)
        if call.path == "/Users/AuthenticateByName":
            if not {"Client", "Device", "DeviceId", "Version"} <= said.keys():
                raise Refused(400)
        elif said.get("Token") not in (JELLYFIN_KEY, self.token):
            raise Refused(401)
        elif said["Token"] == JELLYFIN_KEY and call.path.startswith("/Playlists"):
            raise Refused(403)

    def _log_in(self, call: Call) -> tuple[int, Any]:
        if call.body != {"Username": JELLYFIN_USER, "Pw": JELLYFIN_PASSWORD}:
            raise Refused(401)
        return 200, {"User": {"Id": uuid.uuid4().hex, "Name": JELLYFIN_USER}, "AccessToken": self.token}

    def _items(self, call: Call) -> tuple[int, Any]:
        if call.query.get("recursive") != "true":
            return 200, {"Items": [], "TotalRecordCount": 0, "StartIndex": 0}
        found: list[dict[str, Any]]
        if call.query["includeItemTypes"] == "Playlist":
            found = [{"Id": pk, "Name": name, "Type": "Playlist"} for pk, (name, _) in self.playlists.items()]
        else:
            wanted = call.query.get("searchTerm", "").casefold()
            found = [
                {"Id": pk, "Name": song.title, "Album": song.album, "Artists": [song.artist], "Type": "Audio"}
                | ({"Path": song.path} if "Path" in call.query.get("fields", "") else {})
                for pk, song in self.songs.items()
                if wanted in song.title.casefold()
            ]
        return 200, {"Items": found, "TotalRecordCount": len(found), "StartIndex": 0}

    def _make(self, call: Call) -> tuple[int, Any]:
        pk = uuid.uuid4().hex
        self.playlists[pk] = (call.body["Name"], [song for song in call.body["Ids"] if song in self.songs])
        return 200, {"Id": pk}

    def _change(self, call: Call, playlist: str) -> tuple[int, Any]:
        name, songs = self.has(playlist)
        songs = [song for song in call.body.get("Ids", songs) if song in self.songs]
        self.playlists[playlist] = (call.body.get("Name", name), songs)
        return 204, None

    def _delete(self, call: Call, playlist: str) -> tuple[int, Any]:
        self.has(playlist)
        del self.playlists[playlist]
        return 204, None


class FakePlex(MediaServer):
    machine = "6f1c"

    def __init__(self) -> None:
        self.refreshing = False
        key, words = "([0-9]+)", frozenset
        self.operations = [
            Operation("GET", "/identity", lambda call: (200, _container(machineIdentifier=self.machine))),
            Operation("GET", "/library/sections", self._sections),
            Operation("GET", f"/library/sections/{key}/refresh", self._refresh, words({"path", "force"})),
            Operation("GET", f"/library/sections/{key}/all", self._tracks, words({"type", "title", *PAGES})),
            Operation("GET", "/playlists", self._lists, words({"playlistType", "smart"})),
            Operation("POST", "/playlists", self._make, words({"type", "title", "smart", "uri", "playQueueID"})),
            Operation("PUT", f"/playlists/{key}", self._rename, words({"title", "summary"})),
            Operation("DELETE", f"/playlists/{key}", self._delete),
            Operation("PUT", f"/playlists/{key}/items", self._add, words({"uri", "playQueueID"})),
            Operation("DELETE", f"/playlists/{key}/items", self._clear),
        ]
        super().__init__()

    def find(self, song: Song) -> str:
        pk = str(1000 + len(self.songs))
        self.songs[pk] = song
        return pk

    def admit(self, call: Call) -> None:
        if call.headers.get("X-Plex-Token") != PLEX_TOKEN and call.path != "/identity":
            raise Refused(401)

    def _sections(self, call: Call) -> tuple[int, Any]:
        films = {"key": "1", "type": "movie", "refreshing": False, "Location": [{"id": 1, "path": "/films"}]}
        music = {"key": "4", "type": "artist", "refreshing": self.refreshing}
        return 200, _container(Directory=[films, {**music, "Location": [{"id": 2, "path": "/data/music"}]}])

    def _refresh(self, call: Call, key: str) -> tuple[int, Any]:
        self._music_alone(key)
        return 200, None

    def _tracks(self, call: Call, key: str) -> tuple[int, Any]:
        self._music_alone(key)
        if call.query.get("type") != "10":
            return 200, _container(Metadata=[])
        wanted = call.query.get("title", "").casefold()
        found = [
            {
                "ratingKey": pk,
                "type": "track",
                "title": song.title,
                "parentTitle": song.album,
                "grandparentTitle": song.artist,
                "Media": [{"id": 1, "Part": [{"id": 1, "file": song.path}]}],
            }
            for pk, song in self.songs.items()
            if wanted in song.title.casefold()
        ]
        return 200, _container(Metadata=found)

    def _music_alone(self, key: str) -> None:
        if key not in ("1", "4"):
            raise Refused(404)
        if key == "1":
            raise AssertionError("the films are nobody's business")

    def _lists(self, call: Call) -> tuple[int, Any]:
        rows = [
            {"ratingKey": pk, "title": name, "playlistType": "audio", "smart": False}
            for pk, (name, _) in self.playlists.items()
        ]
        return 200, _container(Metadata=rows) if rows else _container()

    def _make(self, call: Call) -> tuple[int, Any]:
        if not {"type", "title", "smart", "uri"} <= call.query.keys():
            raise Refused(400)
        pk = str(500 + len(self.playlists))
        self.playlists[pk] = (call.query["title"], self._named(call.query["uri"]))
        return 200, _container(Metadata=[{"ratingKey": pk, "title": call.query["title"], "playlistType": "audio"}])

    def _rename(self, call: Call, playlist: str) -> tuple[int, Any]:
        self.playlists[playlist] = (call.query["title"], self.has(playlist)[1])
        return 200, None

    def _add(self, call: Call, playlist: str) -> tuple[int, Any]:
        name, songs = self.has(playlist)
        self.playlists[playlist] = (name, songs + self._named(call.query["uri"]))
        return 200, _container(leafCountAdded=1)

    def _clear(self, call: Call, playlist: str) -> tuple[int, Any]:
        self.playlists[playlist] = (self.has(playlist)[0], [])
        return 200, None

    def _delete(self, call: Call, playlist: str) -> tuple[int, Any]:
        self.has(playlist)
        del self.playlists[playlist]
        return 204, None

    def _named(self, uri: str) -> list[str]:
        found = re.fullmatch(rf"server://{self.machine}/com\.plexapp\.plugins\.library/library/metadata/([\d,]+)", uri)
        keys = found[1].split(",") if found else []
        if not found or not all(key in self.songs for key in keys):
            raise Refused(404)
        return keys


ITEMS = ("includeItemTypes", "recursive", "searchTerm", "fields", "limit", "startIndex", "userId")
PAGES = ("X-Plex-Container-Start", "X-Plex-Container-Size")


def _container(**inside: Any) -> dict[str, Any]:
    return {"MediaContainer": {"size": len(inside.get("Metadata", [])), **inside}}
