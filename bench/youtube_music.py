"""A YouTube Music on loopback that replays recorded answers, so that the real search and parse run over them.

The recordings were made in German, the program asks in English and its parser looks for English words for the kinds
of results: that one word is put into English here, and nothing else. Play counts and "A und B" stay as they were.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

HOST = "https://music.youtube.com"
_KINDS = {"Titel": "Song"}  # shelves and results; "Video" and "Videos" are written alike
# The part of ytmusicapi's search parameter that names a filter; the rest differs between its releases.
_FILTERS = {"EgWKAQII": "songs", "EgWKAQIQ": "videos"}
_NOTHING: dict[str, Any] = {"responseContext": {}}


class Replay:
    """The server, as a context manager. ``track`` (a Spotify id) says whose recordings are answered."""

    def __init__(self, recordings: Path) -> None:
        self.track = ""
        self.answered = 0
        self._bodies: dict[tuple[str, str, bool], list[dict[str, Any]]] = defaultdict(list)
        with gzip.open(recordings, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                key = (row["spotify_id"], row["filter"] or "", bool(row["continuation"]))
                self._bodies[key].append(_in_english(row["body"]))
        self.tracks = frozenset(track for track, _, _ in self._bodies)
        self._next: dict[tuple[str, str, bool], int] = defaultdict(int)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Replay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def session(self) -> requests.Session:
        """A session whose questions to YouTube Music reach this server, and that reaches nothing else."""
        return _Session(f"http://127.0.0.1:{self._server.server_address[1]}")

    def answer(self, question: dict[str, Any], continued: bool) -> dict[str, Any]:
        """The next recorded answer of the current track for the question's filter; no results where none is left."""
        key = (self.track, _FILTERS.get(str(question.get("params", ""))[:8], ""), continued)
        at = self._next[key]
        self._next[key] += 1
        if at >= len(self._bodies[key]):
            return _NOTHING
        self.answered += 1
        return self._bodies[key][at]


def _in_english(part: Any) -> Any:
    """The same answer with the words for kinds of results in English, wherever they stand alone."""
    if isinstance(part, list):
        return [_in_english(one) for one in part]
    if isinstance(part, dict):
        return {key: _in_english(one) for key, one in part.items()}
    return _KINDS.get(part, part) if isinstance(part, str) else part


class _Session(requests.Session):
    def __init__(self, here: str) -> None:
        super().__init__()
        self.trust_env = False
        self._here = here

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        address = url.decode() if isinstance(url, bytes) else url
        if not address.startswith(HOST + "/") and address != HOST:
            raise requests.ConnectionError(f"only {HOST} is replayed, not {address}")
        return super().request(method, self._here + address.removeprefix(HOST), *args, **options)


def _handler_for(replay: Replay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(b'<script>ytcfg.set({"VISITOR_DATA": "replayed"});</script>', "text/html")

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            continued = bool({"ctoken", "continuation"} & parse_qs(urlsplit(self.path).query).keys())
            self._send(json.dumps(replay.answer(question, continued)).encode(), "application/json")

        def _send(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
