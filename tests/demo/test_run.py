"""`make demo`, run for real: twice in one folder."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]


def around() -> dict[str, str]:
    """The demo's environment. A port of its own: two demos at once would both find 8000 free, and one would lose it."""
    return os.environ | {"PYTHONPATH": str(PROJECT), "PORT": str(free_port())}


def demo(folder: Path, **environment: str) -> tuple[str, dict[str, Any]]:
    """What the demo told, and the JSON that is its last line."""
    surroundings = around() | environment
    command = [sys.executable, "-m", "demo.run", "--exit"]
    done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, dict[str, Any]]]]:
    """Two runs in one folder; the environment around them would lead a careless program astray."""
    folder = tmp_path_factory.mktemp("demo")
    astray = {"DATA_DIR": "/nowhere/data", "MUSIC_DIR": "/nowhere/music", "DATABASE_URL": "mysql://nobody"}
    return folder, [demo(folder, **astray), demo(folder, **astray)]


@pytest.mark.long
def test_the_demo_brings_all_songs_to_disk_but_the_one_that_nobody_has(runs):
    folder, [(_, status), _] = runs
    counters = status["counters"]
    assert (counters["songs"], counters["downloaded"], counters["missing"]) == (25, 24, 1)
    files = [path for path in (folder / ".demo" / "music").rglob("*.mp3") if ".tonekeep-incoming" not in path.parts]
    assert len(files) == 24
    (missing,) = status["failures"]["items"]
    assert missing["title"] == "Recuerdos de la Alhambra"
    assert missing["error_kind"] == "needs_decision"


@pytest.mark.long
def test_the_demo_tells_of_the_second_try_and_who_asked_for_it(runs):
    _, [(story, _), _] = runs
    assert "“Maple Leaf Rag” failed" in story
    assert "We ask for “try again now”" in story


@pytest.mark.long
def test_a_second_run_downloads_nothing(runs):
    _, [_, (story, status)] = runs
    assert "Nothing was downloaded: every file was there already." in story
    assert status["counters"]["downloaded"] == 24


def processes(folder: Path) -> list[str]:
    """Everything that runs with the demo's folder in its environment."""
    own = str(folder / ".demo")
    return [pid for pid in os.listdir("/proc") if pid.isdecimal() and own in _environment(pid)]


@pytest.mark.long
def test_the_demo_leaves_no_process_behind(runs):
    folder, _ = runs
    assert processes(folder) == []


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_shows_its_pages_ends_with_all_that_it_started(runs, number):
    folder, _ = runs
    shown = subprocess.Popen(
        [sys.executable, "-m", "demo.run"],
        cwd=folder,
        env=around(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert any("until you press Ctrl-C" in line for line in iter(shown.stdout.readline, ""))
        assert processes(folder)
    finally:
        shown.send_signal(number)
        shown.wait(60)
    assert processes(folder) == []


def _environment(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:
        return ""


# "Demo" is also a word in titles, for a recording that is not the finished one.
MUSIC = {"album_name.py", "version_words.py"}  # where the word names a kind of recording


def a_file_in_its_place(folder: Path) -> dict[str, str]:
    (folder / ".demo").touch()
    return {}


def a_broken_ffmpeg(folder: Path) -> dict[str, str]:
    (folder / "ffmpeg").write_text("#!/bin/sh\nexit 1\n")
    (folder / "ffmpeg").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def a_database_that_is_none(folder: Path) -> dict[str, str]:
    (folder / ".demo" / "data").mkdir(parents=True)
    (folder / ".demo" / "data" / "tonekeep.sqlite3").write_text("Dear Anna, " * 100)
    return {}


@pytest.mark.parametrize(
    "harm", [a_file_in_its_place, a_broken_ffmpeg, pytest.param(a_database_that_is_none, marks=pytest.mark.long)]
)
def test_a_demo_that_cannot_begin_says_why_in_a_sentence(tmp_path, harm):
    surroundings = around() | harm(tmp_path)
    command = [sys.executable, "-m", "demo.run", "--exit"]
    done = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith(".")
    assert "Traceback" not in done.stdout


def test_no_product_module_knows_the_word():
    for room in ("catalog", "downloads", "config", "templates"):
        for path in (PROJECT / room).rglob("*"):
            if path.suffix in {".py", ".html"} and path.name not in MUSIC:
                assert not re.search(r"\bdemo", path.read_text(encoding="utf-8"), re.IGNORECASE), path
