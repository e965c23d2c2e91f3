"""A process that has yt-dlp imported and forks a fetching child for each request: no import of it for each fetch.

``python -m downloads.fetch.fork_server FD`` serves one worker process over the socket FD. It has no network, no
database and a clean environment; it dies with its worker, and each child dies with it. A child is what an exec of
`downloads.fetch.child` would be: own session, folder, environment and pipes; the sandbox is set up in the child, after
the fork. `ForkServer` is the worker's side.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from typing import IO, Any

from catalog.system import programs
from catalog.system.child_lifetime import on_parent_death
from downloads.fetch import ytdlp_version

PRELOADED = ("downloads.fetch.child", "yt_dlp", "yt_dlp.extractor.youtube", "yt_dlp.extractor.generic")
FORKS = 200  # then it starts anew: whatever a fork left in it stays small
LONGEST_REQUEST = 65_536  # bytes of a folder and an environment
STREAMS = 3  # stdin, stdout and stderr of the child


def is_supported() -> bool:
    """Whether this system can tell of a process that is no child of ours (Linux 5.3: pidfd_open)."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


class ForkedProcess:
    """A child of the fork server, with what `downloads.fetch.process` uses of `catalog.system.programs.Process`."""

    def __init__(self, server: ForkServer, pid: int, streams: tuple[IO[bytes], IO[bytes], IO[bytes]]) -> None:
        self.pid = pid
        self.parent = server.pid
        self.stdin, self.stdout, self.stderr = streams
        self._server = server
        try:
            self._handle: int | None = os.pidfd_open(pid)
        except OSError:  # the server has died, and the child with it
            self._handle = None

    def has_ended(self) -> bool:
        """Whether it is a zombie or gone. `wait` alone has it reaped: until then nobody else gets its number."""
        return self._handle is None or bool(select.select([self._handle], [], [], 0)[0])

    def wait(self) -> int:
        """Have its group killed and itself reaped; its exit status, -9 where the server has died."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        return self._server.end(self.pid)


class ForkServer:
    """The worker's side. Any failure of the server is a ConnectionError; the next fork starts a new one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._process: programs.Process[bytes] | None = None  # kept, so that it is reaped once it has ended
        self._forks = 0
        self._version = ""
        self.pid = 0
        self._owner = 0

    def fork(self, folder: str, environment: Mapping[str, str]) -> ForkedProcess:
        """A child in ``folder`` that waits for its request on stdin."""
        (request, write), (read, answer), (read_error, error) = os.pipe(), os.pipe(), os.pipe()
        try:
            with self._lock:
                connection = self._connected()
                self._forks += 1
                order = json.dumps({"folder": folder, "environment": dict(environment)}).encode()
                pid = self._ask(connection, order, [request, answer, error])
        except BaseException:
            for descriptor in (write, read, read_error):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (request, answer, error):
                os.close(descriptor)
        return ForkedProcess(self, pid, (os.fdopen(write, "wb"), os.fdopen(read, "rb"), os.fdopen(read_error, "rb")))

    def end(self, pid: int) -> int:
        """Kill the child's group, reap it; its exit status."""
        with self._lock:
            if self._socket is None:
                return -signal.SIGKILL
            try:
                return self._ask(self._socket, json.dumps({"end": pid}).encode())
            except ConnectionError:
                return -signal.SIGKILL

    def _connected(self) -> socket.socket:
        version = ytdlp_version.installed_version()
        stale = self._forks >= FORKS or self._version != version or self._owner != os.getpid()
        if self._socket is not None and not stale:
            return self._socket
        if self._socket is not None:
            self._socket.close()  # the old one ends, and what it still runs with it
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", "-s", "-m", "downloads.fetch.fork_server", str(theirs.fileno())]
            environment = programs.clean_environment(
                PYTHONPATH=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                PYTHONDONTWRITEBYTECODE="1",
                YTDLP_NO_PLUGINS="1",
            )
            # Not tied to the thread that happens to start it: it ends with the socket, which this process alone holds.
            process = programs.start(command, env=environment, pass_fds=[theirs.fileno()], preexec_fn=None, cwd="/")
        self._socket, self._process, self.pid, self._owner = ours, process, process.pid, os.getpid()
        self._forks, self._version = 0, version
        return ours

    def _ask(self, connection: socket.socket, order: bytes, descriptors: Sequence[int] = ()) -> int:
        message = b""
        with contextlib.suppress(OSError):
            socket.send_fds(connection, [order], list(descriptors))
            message = connection.recv(LONGEST_REQUEST)
        if not message:
            self._socket = None
            connection.close()
            raise ConnectionError("The fork server has died.")
        return int(json.loads(message)["reply"])


# --- The server's own process -----------------------------------------------------------------------------


def serve(connection: socket.socket) -> None:
    """Fork and reap as the worker asks, until it closes its end; then everything that was forked is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the worker's to answer
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    children: set[int] = set()
    try:
        while True:
            message, descriptors, _, _ = socket.recv_fds(connection, LONGEST_REQUEST, STREAMS)
            if not message:
                return
            order = json.loads(message)
            if "end" in order:
                reply = _reap(order["end"])
                children.discard(order["end"])
            else:
                reply = _fork(connection, descriptors, order)
                children.add(reply)
            connection.send(json.dumps({"reply": reply}).encode())
    except ConnectionError:
        return  # the worker was killed while it waited for an answer
    finally:
        for pid in children:
            _reap(pid)


def _reap(pid: int) -> int:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return -signal.SIGKILL


def _fork(connection: socket.socket, descriptors: Sequence[int], order: Mapping[str, Any]) -> int:
    parent = os.getpid()
    ready, in_session = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ready)
        connection.close()
        _become_child(parent, in_session, descriptors, order["folder"], order["environment"])
    for descriptor in (*descriptors, in_session):
        os.close(descriptor)
    os.read(ready, 1)  # its group exists before anybody may kill it
    os.close(ready)
    return pid


def _become_child(
    parent: int, in_session: int, streams: Sequence[int], folder: str, environment: Mapping[str, str]
) -> None:
    """In the forked process: what an exec of the child would do. Does not return."""
    status = 1
    try:
        on_parent_death(signal.SIGKILL)
        if os.getppid() != parent:
            return
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.close(in_session)
        os.closerange(STREAMS, min(os.sysconf("SC_OPEN_MAX"), 65_536))
        os.chdir(folder)
        programs.replace_environment(environment)
        sys.stdin = os.fdopen(0, "r")
        answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # whatever a library prints goes to stderr, never among the answers
        sys.stdout = sys.stderr = os.fdopen(2, "w")
        child = importlib.import_module("downloads.fetch.child")
        status = child.main(sys.stdin, answers)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)  # nothing of the server's own end may run here


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
