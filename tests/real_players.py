"""Real players on this machine, each with a state folder of its own: MPD from Debian, supysonic from the index."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from downloads.players.subsonic import Subsonic
from tests.ports import free_port

SUPYSONIC = ["supysonic==0.7.9", "waitress"]
USER, PASSWORD = "anna", "open sesame"


@contextmanager
def running_mpd(music: Path, state: Path) -> Iterator[int]:
    """The port of an MPD that serves ``music``."""
    state.mkdir()
    port = free_port()
    (state / "mpd.conf").write_text(
        f'music_directory "{music}"\ndb_file "{state}/db"\nbind_to_address "127.0.0.1"\nport "{port}"\n'
        'audio_output {\n type "null"\n name "none"\n}\n'
    )
    process = subprocess.Popen(["mpd", "--no-daemon", state / "mpd.conf"], stderr=subprocess.DEVNULL)
    try:
        _until(lambda: "OK MPD" in ask_mpd(port, "ping"))
        yield port
    finally:
        process.terminate()
        process.wait(10)


def ask_mpd(port: int, command: str) -> str:
    """All that it answers, "" where it is away."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(f"{command}\nclose\n".encode())
            return connection.makefile().read()
    except OSError:
        return ""


def install_supysonic(home: Path) -> Path:
    """The folder of its programs, in an environment of its own; skips the test without the package index."""
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    installed = subprocess.run([home / "bin/pip", "install", "--quiet", *SUPYSONIC], capture_output=True, check=False)
    if installed.returncode:
        pytest.skip("supysonic cannot be installed: is the package index within reach?")
    return home / "bin"


@contextmanager
def running_supysonic(programs: Path, music: Path, state: Path) -> Iterator[str]:
    """The address of a supysonic that serves ``music`` to USER; its scans run in its own daemon."""
    state.mkdir()
    (state / "supysonic.conf").write_text(
        f"[base]\ndatabase_uri = sqlite:///{state}/music.db\nscanner_extensions = mp3 opus m4a\n"
        f"[webapp]\ncache_dir = {state}/cache\n[daemon]\nsocket = {state}/daemon.sock\nrun_watcher = no\n"
    )
    port = str(free_port())
    for words in (
        ["user", "add", USER, "-p", PASSWORD],
        ["user", "setroles", "--admin", USER],
        ["folder", "add", "music", music],
    ):
        subprocess.run([programs / "supysonic-cli", *words], cwd=state, check=True, capture_output=True)
    serve = [programs / "supysonic-server", "-S", "waitress", "-h", "127.0.0.1", "-p", port]
    running = [
        subprocess.Popen(words, cwd=state, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for words in ([programs / "supysonic-daemon"], serve)
    ]
    address = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: supysonic_playlists(address) is not None)
        yield address
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(10)


def supysonic_playlists(address: str) -> dict[str, list[str]] | None:
    """Name -> titles of each playlist of USER; None where it does not answer."""
    api = Subsonic(address, USER, PASSWORD)
    try:
        rows = {name: api._ask("getPlaylist", id=pk)["playlist"] for pk, name in api.playlists().items()}
    except Exception:
        return None
    return {name: [song["title"] for song in row.get("entry", [])] for name, row in rows.items()}


def _until(holds: object, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.1)
