"""The web server: waitress, with limits for slow and large requests. The only importer of ``waitress``.

Its loop reads whole requests before a thread gets one: connections that send half a request hold no thread. Measured
with gunicorn's threads: 40 of them kept every page from answering, for ever.
"""

from __future__ import annotations

import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher
from waitress.utilities import Error

from config.middleware import request_limits
from config.middleware.security_headers import headers_of_every_answer

Application = Callable[..., Any]

THREADS = 8
MAX_CONNECTIONS = 200
MAX_HEAD = 32_000  # bytes
HEAD_WITHIN = 20.0  # seconds from a request's first byte to the end of its head
BODY_WITHIN = 600.0  # seconds from its first byte to its last: 51 MB over a slow line
IDLE_AFTER = 60  # seconds without a byte, in either direction
CHECK_EVERY = 5  # seconds


class Refused(Error):
    """An answer to a request whose body is not read."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.reason = status, {411: "Length Required", 413: "Content Too Large"}[status]


class LimitedParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Refuses a request by its head, before any of its body is kept."""

    def received(self, data: bytes) -> int:
        in_head = not self.headers_finished
        consumed: int = super().received(data)
        if in_head and self.headers_finished and not self.error and not self.empty:
            self._refuse()
        if self.error:
            self.expect_continue = False  # nobody is to send what is refused
        return consumed

    def _refuse(self) -> None:
        cookies, token = self.headers.get("COOKIE", ""), self.headers.get("AUTHORIZATION", "")
        refused = request_limits.refusal(
            self.path, self.content_length, self.chunked, lambda: request_limits.may_upload_by(cookies, token)
        )
        if refused:
            self.error, self.completed = Refused(*refused), True


class RefusalTask(ErrorTask):  # type: ignore[misc]
    """The server's own answers carry the headers that the application gives to all others."""

    def execute(self) -> None:
        self.response_headers.extend(headers_of_every_answer().items())
        super().execute()


class LimitedChannel(HTTPChannel):  # type: ignore[misc]
    """A connection that knows when its present request began."""

    parser_class = LimitedParser
    error_task_class = RefusalTask
    began_at = 0.0

    def received(self, data: bytes) -> Any:
        if self.request is None:
            self.began_at = time.time()
        return super().received(data)

    def is_overdue(self, now: float) -> bool:
        """Whether a request has been on its way for too long, however often a byte of it came."""
        request = self.request
        if request is None:
            return False
        return bool(now - self.began_at > (BODY_WITHIN if request.headers_finished else HEAD_WITHIN))


class LimitedServer(TcpWSGIServer):  # type: ignore[misc]
    """Closes connections that are idle (as waitress does) and those whose request is overdue."""

    channel_class = LimitedChannel

    def maintenance(self, now: float) -> None:
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.is_overdue(now):
                channel.will_close = True


def make_server(application: Application, listening: socket.socket) -> LimitedServer:
    """A server on a socket that is bound already."""
    adjustments = Adjustments(
        sockets=[listening],
        threads=THREADS,
        connection_limit=MAX_CONNECTIONS,
        channel_timeout=IDLE_AFTER,
        cleanup_interval=CHECK_EVERY,
        max_request_header_size=MAX_HEAD,
        max_request_body_size=1 << 62,  # `LimitedParser` decides, with an answer of its own
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=False,  # X-Forwarded-Proto is read where HTTPS=true, the rest by TRUSTED_PROXY
        ident="Tonekeep",
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(THREADS)
    sockinfo = (listening.family, listening.type, listening.proto, listening.getsockname())
    return LimitedServer(
        application, {}, True, listening, dispatcher=dispatcher, adj=adjustments, bind_socket=False, sockinfo=sockinfo
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. ``::`` takes IPv4 too."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    everywhere = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(address[:2], family=family, backlog=256, dualstack_ipv6=everywhere)


def use_temporary_folder(folder: Path) -> None:
    """Bodies that are too large for memory wait in ``folder``, beside the database, instead of in a /tmp of RAM."""
    shutil.rmtree(folder, ignore_errors=True)  # of a server that was killed
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)


def main() -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way get 5 s."""
    from config.wsgi import application  # here: it sets Django up, which the tests of this module have done already

    use_temporary_folder(Path(settings.FILE_UPLOAD_TEMP_DIR))
    server = make_server(application, bind(settings.BIND, settings.PORT))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.run()


if __name__ == "__main__":
    main()
