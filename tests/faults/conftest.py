"""A library to be set on fire: its workers run in this process, their fetches are copies of real recordings."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest
from django.conf import LazySettings

from downloads.audio.verify import VerifiedAudio
from downloads.fetch import process
from tests.crash.workspace import QUICK_FETCH, Workspace, configure, real_fetch


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the recordings of all tests of this session lie."""
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture
def workspace(
    db: None, tmp_path: Path, settings: LazySettings, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A library whose fetches are copies made in this process, in no time."""
    configure(settings, tmp_path)
    made = Workspace(tmp_path, recordings)
    monkeypatch.setattr(process, "fetch", partial(copied, made))
    return made


@pytest.fixture
def fetching(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let its fetches be real child processes that copy a real recording, 30 ms each."""
    command = (sys.executable, "-I", "-S", str(QUICK_FETCH), str(workspace.recordings), str(workspace.log))
    monkeypatch.setattr(process, "fetch", partial(real_fetch, command=command, poll_seconds=0.02))


@pytest.fixture
def proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare ffmpeg, a tenth of a second each: what they would say of these recordings is known."""
    monkeypatch.setattr("downloads.audio.verify.verify", lambda path, *said: VerifiedAudio(1000, -3.0))


def copied(workspace: Workspace, url: str, stage: str, **_: object) -> process.Fetched:
    """What `process.fetch` would do, logged as `quick_fetch` logs it."""
    sound = (workspace.recordings / url.rpartition("/")[2]).read_bytes()
    with workspace.log.open("a") as log:
        log.write(f"{Path(stage).name} {url.rpartition('/')[2]}\n")
    path = Path(stage) / "audio.mp3"
    path.write_bytes(sound)
    return process.Fetched(str(path), len(sound), "mp3", "mp3")
