"""A forked fetching child is what a started one is: alone, fenced, and gone with its worker."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.archive import ArchiveServer
from downloads.fetch import fork_server
from downloads.fetch.fork_server import ForkServer
from downloads.fetch.process import PROJECT, child_environment, fetch
from downloads.fetch.protocol import FetchRequest
from downloads.fetch.url_allowlist import direct_files
from tests.audio import make_audio
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
