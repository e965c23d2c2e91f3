"""A complete small audio server of one's own: `GET /search` and `GET /audio/<name>` over a folder.

The demo and the tests fetch from it. It also serves as the pattern for a real one: this is all that the
program asks of an audio server.

    python -m demo.archive --folder music --port 8090

The folder holds audio files and ``index.json``: a list of {"id", "title", "artists", "album", "duration_ms",
"file"}, or without it every audio file becomes a candidate by its name.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

TYPES = {
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".opus": "audio/ogg",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
}
MOST_CANDIDATES = 20
BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Song:
    """One row of the index; ``file`` is a file's name in the folder."""

    id: str
    title: str
    artists: tuple[str, ...]
    file: str
    album: str = ""
    duration_ms: int | None = None
    isrc: str = ""


def read_index(folder: Path) -> list[Song]:
    """The songs that ``index.json`` lists, or one for each audio file where there is none."""
    index = folder / "index.json"
    if not index.exists():
        files = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in TYPES)
        return [Song(name, Path(name).stem, (), name) for name in files]
    rows = json.loads(index.read_text(encoding="utf-8"))
    return [Song(**{**row, "artists": tuple(row["artists"])}) for row in rows]


def words(text: str) -> set[str]:
    """The words of a title or name, as a search compares them."""
    return set(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


class ArchiveServer:
    """The server on ``host``; ``port`` 0 takes a free one. Use it as a context manager, or `start` and `stop`.

    ``songs`` defaults to the folder's index. ``failures`` maps a song's id to how many *first* requests for its
    audio fail with ``failure_status``. ``retry_after`` (seconds) is sent with each failure. ``requests`` counts
    what was asked, by path.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        songs: Sequence[Song] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        failures: Mapping[str, int] | None = None,
        failure_status: int = 503,
        retry_after: int | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.songs = list(read_index(self.folder) if songs is None else songs)
        self.failures = Counter(failures or {})
        self.failure_status = failure_status
        self.retry_after = retry_after
        self.requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((host, port), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The server's address, without a trailing slash."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> ArchiveServer:
        """Serve in a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def serve(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.serve_forever()

    def __enter__(self) -> ArchiveServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def search(self, wish: Mapping[str, str]) -> list[dict[str, Any]]:
        """The candidates for a wish: the same ISRC first, then what shares most words of title and artist."""
        asked = words(f"{wish.get('title', '')} {wish.get('artist', '')}")
        scored = []
        for song in self.songs:
            same_isrc = bool(song.isrc) and song.isrc == wish.get("isrc")
            shared = len(asked & words(f"{song.title} {' '.join(song.artists)}"))
            if same_isrc or (words(song.title) & words(wish.get("title", ""))):
                scored.append((not same_isrc, -shared, song.id, song))
        return [self._candidate(song) for *_, song in sorted(scored, key=lambda row: row[:3])[:MOST_CANDIDATES]]

    def _candidate(self, song: Song) -> dict[str, Any]:
        return {
            "id": song.id,
            "title": song.title,
            "artists": list(song.artists),
            "album": song.album,
            "duration_ms": song.duration_ms,
            "isrc": song.isrc,
            "url": f"{self.url}/audio/{quote(song.file)}",
        }

    def audio(self, name: str) -> Path | None:
        """The file called ``name``, None where the folder has no such audio file (a path is no name)."""
        if os.path.basename(name) != name or os.path.splitext(name)[1].lower() not in TYPES:
            return None
        path = self.folder / name
        return path if path.is_file() else None

    def note(self, path: str) -> None:
        """Count a request."""
        with self._lock:
            self.requests[path] += 1

    def fails_now(self, name: str) -> bool:
        """Whether this request for the file ``name`` is one of those that are to fail."""
        song_id = next((song.id for song in self.songs if song.file == name), "")
        with self._lock:
            if self.failures[song_id] <= 0:
                return False
            self.failures[song_id] -= 1
            return True


def _handler_for(archive: ArchiveServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            parts = urlsplit(self.path)
            path = unquote(parts.path)
            archive.note(path)
            if path == "/search":
                wish = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self._json({"candidates": archive.search(wish)}, body)
            elif path.startswith("/audio/"):
                self._audio(path.removeprefix("/audio/"), body)
            else:
                self._plain(404)

        def _audio(self, name: str, body: bool) -> None:
            path = archive.audio(name)
            if path is None:
                self._plain(404)
            elif archive.fails_now(name):
                self._plain(archive.failure_status)
            else:
                self._file(path, body)

        def _file(self, path: Path, body: bool) -> None:
            size = path.stat().st_size
            span = _span(self.headers.get("Range"), size)
            if span is None:
                self._plain(416, {"Content-Range": f"bytes */{size}"})
                return
            first, last = span
            self.send_response(206 if self.headers.get("Range") else 200)
            self.send_header("Content-Type", TYPES[path.suffix.lower()])
            self.send_header("Content-Length", str(last - first + 1))
            self.send_header("Accept-Ranges", "bytes")
            if self.headers.get("Range"):
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.end_headers()
            if body:
                self._send(path, first, last - first + 1)

        def _send(self, path: Path, first: int, left: int) -> None:
            with path.open("rb") as file:
                file.seek(first)
                while left and (block := file.read(min(BLOCK, left))):
                    self.wfile.write(block)
                    left -= len(block)

        def _json(self, value: object, body: bool) -> None:
            text = json.dumps(value, ensure_ascii=False).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if body:
                self.wfile.write(text)

        def _plain(self, status: int, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if status == archive.failure_status and archive.retry_after is not None:
                self.send_header("Retry-After", str(archive.retry_after))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the other side had enough; yt-dlp's first look always ends so

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: the demo tells its own story."""

    return Handler


def _span(wanted: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a Range header over ``size`` bytes; None where it cannot be satisfied."""
    if not wanted:
        return 0, size - 1
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return (max(size - int(found[2]), 0), size - 1) if int(found[2]) else None
    first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
    return (first, last) if first <= last else None


def main() -> None:
    """Serve a folder until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve a folder of audio files as an audio source.")
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")
    archive = ArchiveServer(options.folder, host=options.host, port=options.port)
    print(f"{len(archive.songs)} songs at {archive.url}", flush=True)
    try:
        archive.serve()
    except KeyboardInterrupt:
        archive.stop()


if __name__ == "__main__":
    main()
