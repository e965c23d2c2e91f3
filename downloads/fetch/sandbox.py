"""What a fetching process is kept from: outliving its parent, large files, other hosts, other programs. Pure.

Everything is set up in the child itself, before anything is asked of the network.
"""

from __future__ import annotations

import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from catalog.system.child_lifetime import on_parent_death

SPARE_BYTES = 16 * 2**20  # on top of the largest file: what a container adds when it is rewritten


def end_with_parent(parent: int) -> None:
    """Have this process killed when ``parent`` ends, and every program that it starts when this process ends.

    Linux sends the signal itself (prctl 1, PR_SET_PDEATHSIG; each process has to ask for itself). Elsewhere the end of
    stdin, which the parent holds open, tells of its death.
    """
    if not sys.platform.startswith("linux"):
        threading.Thread(target=_kill_group_at_end_of_stdin, daemon=True).start()
        return
    on_parent_death(signal.SIGKILL)
    if os.getppid() != parent:  # the parent was gone before we asked
        os._exit(1)
    start = subprocess.Popen.__init__

    def start_with_death_signal(self: Any, *args: Any, **options: Any) -> None:
        options.setdefault("preexec_fn", lambda: on_parent_death(signal.SIGKILL))
        start(self, *args, **options)

    subprocess.Popen.__init__ = start_with_death_signal  # type: ignore[assignment,method-assign]


def _kill_group_at_end_of_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def limit_files(max_bytes: int) -> None:
    """No file of this process or its children may grow beyond ``max_bytes`` and a container's overhead."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes + SPARE_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class NetworkSandbox:
    """Refuses, as an audit hook below every library, each host and program that was not agreed on.

    An audit hook cannot be taken away again, and sees redirects, manifests and embeds alike. ``refused`` lists
    afterwards which hosts were tried: libraries wrap the error that they get here.
    """

    def __init__(self, allows: Callable[[str, int], bool], programs: frozenset[str]) -> None:
        self._allows = allows
        self._programs = programs
        self._addresses: set[tuple[Any, ...]] = set()
        self.refused: list[str] = []

    def install(self) -> None:
        """Put it in force, for good: this process looks up names in one way only, and connects to what that gave."""
        look_up = socket.getaddrinfo

        def noted(*args: Any, **options: Any) -> Any:
            found = look_up(*args, **options)
            self._addresses.update(address[:2] for *_, address in found)
            return found

        socket.getaddrinfo = noted
        sys.addaudithook(self)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            self._look_up(args[0], args[1])
        elif event == "socket.connect":
            self._connect(args[1])
        elif event in {"socket.sendto", "socket.sendmsg", "socket.gethostbyname", "socket.gethostbyaddr"}:
            self._refuse(f"{event.removeprefix('socket.')} {args[-1]}")
        elif event == "subprocess.Popen" and os.fsdecode(args[0]) not in self._programs:
            # Not in `refused`: a library that looks for a tool does no harm and may go on without it.
            raise PermissionError(f"{args[0]} is not started here")
        elif event in {"os.system", "os.exec", "os.posix_spawn"}:
            raise PermissionError("no program is started here")

    def _look_up(self, host: Any, port: Any) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        if not str(port).isdecimal() or not self._allows(name, int(port)):
            self._refuse(f"{name}:{port}")

    def _connect(self, address: Any) -> None:
        if not isinstance(address, tuple):
            self._refuse("a local socket")
        elif address[:2] not in self._addresses:
            self._refuse(f"{address[0]}:{address[1]}")

    def _refuse(self, place: str) -> None:
        self.refused.append(place)
        raise PermissionError(f"{place} is not connected to")

    def limit_destinations(self, allows: Callable[[str, int], bool], *socks_sockets: type) -> None:
        """Have the hosts behind a proxy checked as well: the audit hook sees the proxy's address alone.

        ``socks_sockets``: classes whose `connect` takes the destination.
        """

        def check(host: Any, port: Any) -> None:
            if not allows(str(host), int(port or 0)):
                self._refuse(f"{host}:{port}")

        connection: Any = http.client.HTTPConnection
        set_tunnel, putrequest = connection.set_tunnel, connection.putrequest

        def checked_tunnel(it: Any, host: str, port: int | None = None, headers: Any = None) -> None:
            check(host, port)
            set_tunnel(it, host, port, headers)

        def checked_request(it: Any, method: str, url: str, *args: Any, **options: Any) -> None:
            if "://" in url:  # plain http: the proxy is asked for a whole address
                check(urlsplit(url).hostname, urlsplit(url).port or 80)
            putrequest(it, method, url, *args, **options)

        connection.set_tunnel, connection.putrequest = checked_tunnel, checked_request
        for each in socks_sockets:
            self._check_connects(each, check)

    @staticmethod
    def _check_connects(kind: Any, check: Callable[[Any, Any], None]) -> None:
        connect = kind.connect

        def checked(it: Any, address: tuple[Any, Any]) -> Any:
            check(*address)
            return connect(it, address)

        kind.connect = checked
