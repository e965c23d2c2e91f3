"""The web server, on a port of its own, with strangers that are slow or large."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from config.middleware import request_limits
from config.process import web_server

WAIT = 20.0  # seconds; on an idle machine each answer takes milliseconds

Connect = Callable[[], socket.socket]
SEEN: list[dict[str, Any]] = []  # environments of the requests that came through


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    SEEN.append(environ)
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(str(len(body)))))])
    return [str(len(body)).encode()]


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Opens a connection to a running server."""
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    monkeypatch.setattr(request_limits, "may_upload_by", lambda cookies, token: "staff" in cookies)
    web_server.use_temporary_folder(tmp_path / "tmp")
    listening = web_server.bind("127.0.0.1", 0)
    address = listening.getsockname()
    server = web_server.make_server(application, listening)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with ExitStack() as stack:

        def opened() -> socket.socket:
            return stack.enter_context(socket.create_connection(address, timeout=WAIT))

        yield opened
    server.close()
    server.task_dispatcher.shutdown()


def answer(connection: socket.socket, request: bytes) -> bytes:
    """The first bytes of the answer, with the whole body of a short one."""
    connection.sendall(request)
    received = connection.recv(4096)
    while not received.partition(b"\r\n\r\n")[2]:
        received += connection.recv(4096)
    return received


def test_forty_half_requests_keep_nobody_else_waiting(connect: Connect) -> None:
    stalled = [connect() for _ in range(40)]
    for number, one in enumerate(stalled):
        head = b"GET / HTTP/1.1\r\nHost: x\r\n"
        one.sendall(head if number % 2 else head.replace(b"GET", b"POST") + b"Content-Length: 900\r\n\r\nhalf")
    for _ in range(20):
        assert b"200 OK" in answer(connect(), b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")


@pytest.mark.parametrize("head", [b"Content-Length: 5000000000\r\n", b"Transfer-Encoding: chunked\r\n"])
@pytest.mark.parametrize("path", [b"/nosuch", b"/import", b"/admin/login/"])
def test_a_large_body_is_refused_by_its_head_and_leaves_no_byte_on_disk(
    connect: Connect, tmp_path: Path, path: bytes, head: bytes
) -> None:
    said = answer(connect(), b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + head + b"\r\n")
    assert said.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 411 ")), said
    assert list((tmp_path / "tmp").iterdir()) == []


def test_no_header_of_a_strangers_moves_the_addresses(connect: Connect) -> None:
    """gunicorn took SCRIPT_NAME from a header: links and redirects then began with the stranger's text."""
    headers = b"SCRIPT_NAME: /evil\r\nScript-Name: /evil\r\nX-Forwarded-Prefix: /evil\r\nPATH_INFO: /evil\r\n"
    answer(connect(), b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")
    assert (SEEN[-1]["SCRIPT_NAME"], SEEN[-1]["PATH_INFO"]) == ("", "/healthz")


@pytest.mark.parametrize(
    "request_text",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000000\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: no number\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"x" * 40_000 + b"\r\n\r\n",
    ],
)
def test_the_servers_own_refusals_carry_the_security_headers(connect: Connect, request_text: bytes) -> None:
    said = answer(connect(), request_text)
    assert said.split()[1] in (b"400", b"413", b"431"), said
    assert b"Content-Security-Policy: default-src 'none'" in said and b"X-Frame-Options: DENY" in said


def test_an_upload_of_staff_arrives_whole(connect: Connect) -> None:
    size = 3_000_000
    head = f"POST /import HTTP/1.1\r\nHost: x\r\nCookie: staff\r\nContent-Length: {size}\r\n\r\n".encode()
    assert answer(connect(), head + b"x" * size).endswith(str(size).encode())


def test_a_request_that_trickles_in_is_overdue(connect: Connect) -> None:
    with socket.socketpair()[0] as sock:
        channel = web_server.LimitedChannel.__new__(web_server.LimitedChannel)
        now = time.time()
        channel.began_at = now
        assert not channel.is_overdue(now + 10_000), "between two requests it is idle, not overdue"
        channel.request = web_server.LimitedParser(None)
        assert not channel.is_overdue(now + web_server.HEAD_WITHIN)
        assert channel.is_overdue(now + web_server.HEAD_WITHIN + 1)
        channel.request.headers_finished = True
        assert not channel.is_overdue(now + web_server.BODY_WITHIN)
        assert channel.is_overdue(now + web_server.BODY_WITHIN + 1)
        sock.close()


def test_a_connection_that_is_overdue_is_closed(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server.LimitedChannel, "is_overdue", lambda self, now: True)
    stalled = connect()
    stalled.sendall(b"GET / HTTP/1.1\r\n")
    assert stalled.recv(1) == b"", "within the seconds of CHECK_EVERY"


def test_what_a_killed_server_left_in_the_temporary_folder_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "half.upload").write_bytes(b"x")
    web_server.use_temporary_folder(tmp_path / "tmp")
    assert list((tmp_path / "tmp").iterdir()) == []
    assert (tmp_path / "tmp").stat().st_mode & 0o077 == 0
