"""An HTTP CONNECT proxy that ends TLS itself: whatever host is asked for, the stand-in answers, and it is noted."""

from __future__ import annotations

import fnmatch
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.fakes.loopback_server import LoopbackServer
from tests.fakes.youtube.certificates import make_authority

Respond = Callable[[BaseHTTPRequestHandler, str], None]


class ConnectProxy(LoopbackServer):
    """``hosts`` (patterns) are answered by ``respond``; others are refused and stand in ``outside``.

    ``refusal``: an HTTP status with which every CONNECT is answered instead; ``untrusted``: the certificate is one of
    another authority than `ca_file`.
    """

    def __init__(self, folder: Path, hosts: Sequence[str], respond: Respond) -> None:
        self.hosts, self.respond = hosts, respond
        self.connected: list[str] = []
        self.outside: list[str] = []
        self.refusal: int | None = None
        self.untrusted = False
        self.ca_file, self.context = make_authority(folder, hosts)
        (folder / "another").mkdir(exist_ok=True)
        self.other_context = make_authority(folder / "another", hosts)[1]
        super().__init__(_handler_for(self))


def _handler_for(proxy: ConnectProxy) -> type[BaseHTTPRequestHandler]:
    class Tunnelled(BaseHTTPRequestHandler):
        """One connection inside the tunnel."""

        protocol_version = "HTTP/1.1"
        host = ""

        def do_GET(self) -> None:
            proxy.respond(self, self.host)

        do_POST = do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Handler(BaseHTTPRequestHandler):
        """The proxy's own connection."""

        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            host, _, port = self.path.rpartition(":")
            known = port == "443" and any(fnmatch.fnmatch(host, pattern) for pattern in proxy.hosts)
            (proxy.connected if known else proxy.outside).append(host)
            self.close_connection = True
            if not known or proxy.refusal:
                self.send_error(proxy.refusal or 403)
                return
            self.send_response(200)
            self.end_headers()
            context = proxy.other_context if proxy.untrusted else proxy.context
            with suppress(OSError, ssl.SSLError):
                tunnel = context.wrap_socket(self.connection, server_side=True)
                kind = type("TunnelledTo", (Tunnelled,), {"host": host})
                kind(tunnel, self.client_address, self.server)
                tunnel.close()

        def do_GET(self) -> None:
            proxy.outside.append(self.path)
            self.send_error(403)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
