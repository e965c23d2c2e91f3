"""A fork server in which something is changed before its first fork: what a child would do with another world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from downloads.fetch import fork_server
from downloads.fetch.fork_server import ForkServer

SERVE = """
import socket, sys
from downloads.fetch import fork_server
fork_server.serve(socket.socket(fileno=int(sys.argv[1])))
"""


def start_with(code: str) -> Callable[..., Any]:
    """In the place of `programs.start`: a fork server runs the Python ``code`` first."""
    start = fork_server.programs.start

    def start_changed(command: list[str], **options: Any) -> Any:
        if fork_server.__name__ not in command:
            return start(command, **options)
        module = command.index("-m")
        return start([*command[:module], "-c", code + SERVE, *command[module + 2 :]], **options)

    return start_changed


def changed_server(monkeypatch: pytest.MonkeyPatch, code: str) -> ForkServer:
    """A server whose process runs the Python ``code`` first, and is else started and asked as always."""
    monkeypatch.setattr(fork_server.programs, "start", start_with(code))
    return ForkServer()
