"""A forked fetching child is what a started one is: alone, fenced, and gone with its worker."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from demo.archive import ArchiveServer
from downloads.fetch import fork_server
from downloads.fetch.fork_server import ForkServer
from downloads.fetch.process import PROJECT, child_environment, fetch
from downloads.fetch.protocol import FetchRequest
from downloads.fetch.sandbox import SPARE_BYTES
from downloads.fetch.url_allowlist import direct_files
from tests.audio import make_audio
from tests.downloads.changed_fork_server import changed_server
from tests.downloads.loopback import Loopback, never_ends

pytestmark = pytest.mark.skipif(not fork_server.is_supported(), reason="needs Linux's pidfd_open")


@pytest.fixture(scope="module")
def server() -> ForkServer:
    return ForkServer()


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    (tmp_path / "stage").mkdir()
    return tmp_path / "stage"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ArchiveServer]:
    (tmp_path / "music").mkdir()
    make_audio(tmp_path / "music" / "song.mp3", 4)
    with ArchiveServer(tmp_path / "music") as running:
        yield running


def get(archive: ArchiveServer, stage: Path, server: ForkServer) -> int:
    for name in os.listdir(stage):
        if name.startswith("audio."):
            os.unlink(stage / name)
    return fetch(f"{archive.url}/audio/song.mp3", stage, access=direct_files(archive.url), server=server).size


def descriptors(pid: int) -> set[str]:
    return {os.readlink(f"/proc/{pid}/fd/{name}").split(":")[0] for name in os.listdir(f"/proc/{pid}/fd")}


def test_many_fetches_come_from_one_server_and_a_killed_one_costs_nothing(archive, stage, server) -> None:
    sizes = {get(archive, stage, server)}
    first = server.pid
    os.kill(first, signal.SIGINT)  # as Ctrl-C does to everything in the terminal's foreground
    sizes.add(get(archive, stage, server))
    assert server.pid == first
    os.kill(first, signal.SIGKILL)
    for _ in range(2):
        sizes.add(get(archive, stage, server))
    assert server.pid != first and len(sizes) == 1


def test_a_new_yt_dlp_starts_a_new_server(archive, stage, server, monkeypatch) -> None:
    get(archive, stage, server)
    first = server.pid
    monkeypatch.setattr(fork_server.ytdlp_version, "installed_version", lambda: "2099.1.1")
    get(archive, stage, server)
    assert server.pid != first


def test_a_server_is_renewed_after_some_forks(archive, stage, server, monkeypatch) -> None:
    get(archive, stage, server)
    first = server.pid
    monkeypatch.setattr(fork_server, "FORKS", 2)
    server._forks = 1
    pids = []
    for _ in range(3):
        get(archive, stage, server)
        pids.append(server.pid)
    assert pids[0] == first and first != pids[1] == pids[2]


def test_a_child_has_its_own_session_folder_and_environment_and_three_streams(stage, server, monkeypatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "secret-value")
    process = server.fork(str(stage), child_environment(str(stage)))
    try:
        while os.getsid(process.pid) != process.pid or os.readlink(f"/proc/{process.pid}/cwd") != str(stage):
            assert not process.has_ended()
        assert descriptors(process.pid) <= {"pipe"}
        assert len(os.listdir(f"/proc/{process.pid}/task")) == 1
        for pid in (process.pid, server.pid):
            assert b"secret-value" not in Path(f"/proc/{pid}/environ").read_bytes()
    finally:
        assert process.wait() == -signal.SIGKILL


def test_a_forked_child_is_fenced_as_a_started_one(stage, server) -> None:
    """A parent that checks nothing asks for another host than the one that is allowed."""
    with Loopback({"/a.mp3": never_ends()}) as canary:
        process = server.fork(str(stage), child_environment(str(stage)))
        request = FetchRequest(str(stage), direct_files("127.0.0.1:1"), f"{canary.url}/a.mp3", parent=process.parent)
        process.stdin.write(request.to_json().encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        process.wait()
    assert answer["kind"] == "foreign_host" and canary.asked == []


# A fork server with a thread, files and sockets of its own, whose children do what they should not be able to do in the
# place where they would fetch.
HIJACKED = """
import _socket, json, os, resource, socket, subprocess, sys, threading
from downloads.failures.kinds import DownloadError
from downloads.fetch import child
kept = [open("/etc/hostname"), socket.socketpair(), os.pipe(), os.dup(0)]
threading.Thread(target=threading.Event().wait, daemon=True, name="leftover").start()

def attack(downloader, request):
    host, port = request.url.split("/")[2].split(":")
    tries = {
        "host": lambda: socket.create_connection((host, port)),
        "address": lambda: socket.socket().connect((host, int(port))),
        "quiet address": lambda: socket.socket().connect_ex((host, int(port))),
        "look-up below the library": lambda: _socket.getaddrinfo(host, int(port)),
        "old look-up": lambda: socket.gethostbyname("localhost"),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (host, int(port))),
        "local socket": lambda: socket.socket(socket.AF_UNIX).connect("/nonexistent"),
        "program": lambda: subprocess.run([sys.executable, "-c", ""]),
        "shell": lambda: os.system("true"),
        "exec": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
        "spawn": lambda: os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {}),
    }
    got_through = []
    for name, each in tries.items():
        try:
            each()
        except PermissionError:
            continue
        except OSError:
            pass  # refused by somebody else: it was asked
        got_through.append(name)
    files = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            files[int(name)] = os.readlink(f"/proc/self/fd/{name}").split(":")[0]
        except FileNotFoundError:
            pass  # the listing's own
    raise DownloadError("unknown", json.dumps([
        got_through, files, len(os.listdir("/proc/self/task")), [each.name for each in threading.enumerate()],
        sorted(os.environ), [name for name in ("django", "psycopg", "redis") if name in sys.modules],
        resource.getrlimit(resource.RLIMIT_FSIZE),
    ]))

child.ytdlp.download = attack
"""


@pytest.fixture
def hijacked(monkeypatch: pytest.MonkeyPatch) -> ForkServer:
    monkeypatch.setenv("SECRET_KEY", "secret-value")
    return changed_server(monkeypatch, HIJACKED)


def test_a_forked_child_reaches_nothing_and_has_nothing_left_of_its_server(stage: Path, hijacked: ForkServer) -> None:
    with Loopback({"/a.mp3": never_ends()}) as canary:
        request = FetchRequest(str(stage), direct_files("127.0.0.1:1"), f"{canary.url}/a.mp3")
        process = hijacked.fork(str(stage), child_environment(str(stage)))
        process.stdin.write(replace(request, parent=process.parent).to_json().encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        process.wait()
        assert canary.asked == []
    assert answer["kind"] == "unknown", answer
    got_through, files, tasks, threads, environment, database, limit = json.loads(answer["message"])
    assert got_through == []
    assert set(files) == {"0", "1", "2", "3"} and set(files.values()) == {"pipe"}, "stdin, stderr twice, answers"
    assert (tasks, threads) == (1, ["MainThread"])
    assert set(environment) <= {*child_environment(str(stage)), "LC_CTYPE"}
    assert database == [] and limit == [request.max_bytes + SPARE_BYTES] * 2


def test_a_server_whose_worker_dies_before_the_answer_says_nothing_and_leaves_nobody(stage: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "downloads.fetch.fork_server", str(theirs.fileno())]
    with theirs:
        process = subprocess.Popen(command, cwd=PROJECT, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE)
    read, write = os.pipe()
    order = json.dumps({"folder": str(stage), "environment": child_environment(str(stage))}).encode()
    socket.send_fds(ours, [order], [read, write, write])
    ours.close()  # before it can answer: it still imports
    for descriptor in (read, write):
        os.close(descriptor)
    assert (process.communicate(timeout=60)[1], process.returncode) == (b"", 0)


WORKER = """
import sys
from downloads.fetch.fork_server import ForkServer
from downloads.fetch.process import fetch
from downloads.fetch.url_allowlist import direct_files
server = ForkServer()
def ended(): print(server.pid, flush=True); return False
fetch(sys.argv[1], sys.argv[2], access=direct_files(sys.argv[1]), server=server, should_stop=ended, poll_seconds=0.2)
"""


def test_a_killed_worker_takes_server_and_child_with_it(stage: Path) -> None:
    with Loopback({"/a.mp3": never_ends()}) as site:
        command = [sys.executable, "-c", WORKER, f"{site.url}/a.mp3", str(stage)]
        worker = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)
        assert worker.stdout
        pid = int(worker.stdout.readline())
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        handles = [os.pidfd_open(number) for number in (pid, *map(int, children))]
        worker.kill()
        worker.wait()
        worker.stdout.close()
        assert len(handles) == 2 and all(select.select([handle], [], [], 20)[0] for handle in handles)
    for handle in handles:
        os.close(handle)
