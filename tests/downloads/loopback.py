"""A server on 127.0.0.1 that answers as a test tells it to, over real HTTP."""

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.fakes.loopback_server import LoopbackServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Loopback(LoopbackServer):
    """Serves `routes`: path -> a function that writes the answer. `asked` has "GET /path?query" in order."""

    def __init__(self, routes: Mapping[str, Answer] | None = None) -> None:
        self.routes: dict[str, Answer] = dict(routes or {})
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        super().__init__(_handler_for(self))


def _handler_for(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            loopback.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            loopback.asked.append(f"{self.command} {self.path}")
            answer = loopback.routes.get(urlsplit(self.path).path, status(404))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has gone
                answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def sends(body: bytes, kind: str = "audio/mpeg", claimed: int | None = None) -> Answer:
    """Status 200 with `body`; `claimed` is the Content-Length where it is to be a lie."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body) if claimed is None else claimed))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def sends_until_it_closes(body: bytes, chunked: bool = False, cut: bool = False) -> Answer:
    """Status 200 with `body` and no word of its length; in chunks, of which with `cut` the last never comes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Content-Type", "audio/mpeg")
        if chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Connection", "close")
        handler.end_headers()
        for start in range(0, len(body), 8192):
            part = body[start : start + 8192]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked and not cut:
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    return answer


def sends_json(value: object) -> Answer:
    """Status 200 with `value` as JSON."""
    return sends(json.dumps(value).encode(), "application/json")


def status(code: int, **headers: str) -> Answer:
    """An empty answer with a status; header names are written with _ for -."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def never_ends(kind: str = "audio/mpeg", started: threading.Event | None = None) -> Answer:
    """Headers and a little body, then silence until the other side goes away."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(b"\0" * 2000)
        handler.wfile.flush()
        if started:
            started.set()
        handler.connection.settimeout(60)
        handler.connection.recv(1)

    return answer
