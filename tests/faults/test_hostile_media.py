"""Tools and servers that lie, seen from the worker: a kind and a reason, an empty stage, nothing in the library."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from catalog.models import Track
from downloads.failures.kinds import ERROR_KINDS
from downloads.fetch import process
from downloads.fetch.process import PROJECT
from downloads.models import Candidate
from downloads.worker import attempt, loop
from tests.audio import make_audio
from tests.crash.workspace import Workspace, real_fetch
from tests.faults.test_hostile_names import files_below

START = """
import json, os, signal, subprocess, sys, time
spec = json.loads(sys.stdin.readline())
stage = spec["stage_dir"]
def say(**what): print(json.dumps(what), flush=True)
def write(name, body=b"x"):
    path = os.path.join(stage, name); open(path, "wb").write(body); return path
def done(path, **more): say(ok=True, path=path, codec="mp3", **more)
whole, clip, ogg = (open(path, "rb").read() for path in sys.argv[1:4])
"""
HANG = "signal.signal(signal.SIGTERM, signal.SIG_IGN); say(progress=0.5); time.sleep(600)"
HTML = "<!DOCTYPE html><html><body>Not found</body></html>"
HLS = "#EXTM3U\\n#EXT-X-TARGETDURATION:10\\n#EXTINF:10,\\nfile:///etc/passwd\\n#EXT-X-ENDLIST\\n"

# What the tool does, the kind that it must end as, a word of the reason.
LIES = {
    "it hangs and ignores SIGTERM": (HANG, "timeout", "too long"),
    "it leaves a grandchild": (f"subprocess.Popen(['sleep', '600']); {HANG}", "timeout", "too long"),
    "it exits without a word": ("pass", "tool_crashed", "exit status 0"),
    "it is done without a file": ("done(stage + '/audio.mp3')", "tool_crashed", "no file"),
    "it leaves two files": ("write('b.mp3'); done(write('audio.mp3', whole))", "tool_crashed", "2 files"),
    "it names a file elsewhere": ("done('/etc/hostname')", "tool_crashed", "no file"),
    "it leaves a link": (
        "done(os.symlink('/etc/passwd', stage + '/a.mp3') or stage + '/a.mp3')",
        "tool_crashed",
        "",
    ),
    "it leaves a page named mp3": (f"done(write('audio.mp3', {HTML!r}.encode()))", "bad_file", "no audio file"),
    "it leaves a playlist named mp3": (f"done(write('audio.mp3', b'{HLS}'))", "bad_file", "no audio file"),
    "it leaves half an mp3": ("done(write('audio.mp3', whole[:len(whole) // 2]))", "too_short", "missing"),
    "it leaves half an ogg": ("done(write('audio.ogg', ogg[:len(ogg) // 2]))", "wrong_length", "takes"),
    "it leaves less than was announced": (
        "done(write('audio.mp3', whole), expected_bytes=len(whole) + 1)",
        "network",
        "bytes arrived",
    ),
    "it leaves a clip": ("done(write('audio.mp3', clip))", "wrong_length", "takes"),
    "it leaves noise": ("done(write('audio.mp3', os.urandom(50_000)))", "bad_file", ""),
    "it leaves an empty file": ("done(write('audio.mp3', b''))", "bad_file", "empty"),
    "it says what is no text": ("os.write(1, b'\\xff\\x00{]' * 1000)", "tool_crashed", "exit status 0"),
    "it fails in escape sequences": (
        "say(ok=False, kind='unavailable', message='\\x1b[2J\\x00gone\\n\\u202e\\ud800')",
        "unavailable",
        "gone",
    ),
}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A song of 24 s, a clip of 2 s, the song as ogg."""
    folder = tmp_path_factory.mktemp("sounds")
    lengths = {"whole.mp3": 24, "clip.mp3": 2, "whole.ogg": 24}
    return [make_audio(folder / name, seconds) for name, seconds in lengths.items()]


def lied_to(workspace: Workspace, sounds: list[str], code: str, patch: pytest.MonkeyPatch, **columns: object) -> Track:
    """A missing track of 24 seconds whose fetches are done by ``code``."""
    command = [sys.executable, "-I", "-c", START + code, *sounds]
    patch.setattr(process, "fetch", partial(real_fetch, command=command, poll_seconds=0.02))
    patch.setattr(attempt, "FETCH_SECONDS", 1.5 if "sleep" in code else 60.0)
    track = workspace.track()
    Track.objects.filter(pk=track.pk).update(**{"duration_ms": 24_000} | columns)
    Candidate.objects.filter(track=track).update(duration_ms=24_000)
    return track


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_has_a_kind_and_a_reason_and_leaves_nothing(
    workspace: Workspace, sounds: list[str], lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, kind, word = LIES[lie]
    track = lied_to(workspace, sounds, code, monkeypatch)
    before = sorted(files_below(workspace.root))
    outcome = loop.work_one(now=lambda: workspace.world.now)
    assert outcome and (outcome.result, outcome.error_kind) == ("failed", kind), outcome
    track.refresh_from_db()
    assert (track.status, track.local_path, track.reserved, track.attempts) == ("missing", "", False, 1)
    assert word in track.last_error and track.last_error.isprintable()
    assert track.retry_after > workspace.world.now
    assert workspace.stages() == []
    kept = [path for path in sorted(files_below(workspace.root)) if path.parent.name != ".tonekeep-incoming"]
    assert kept == before  # the staging folder's own marks aside
    verdict = Candidate.objects.get(track=track).verdict
    assert verdict == (Candidate.Verdict.DISPROVED if ERROR_KINDS[kind].bans else Candidate.Verdict.OPEN)
    assert children_in(workspace.root) == [], "something of it is still alive"


def children_in(root: Path) -> list[int]:
    """Live processes whose current folder is below ``root``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                gone = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                if not gone and str((entry / "cwd").readlink()).startswith(str(root)):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.parametrize(("announced", "kind"), [(24_000, "wrong_length"), (None, "too_short")])
def test_half_a_recording_is_noticed_though_nobody_knows_the_tracks_length(
    workspace: Workspace, sounds: list[str], monkeypatch: pytest.MonkeyPatch, announced: int | None, kind: str
) -> None:
    """An ogg says nothing of its length in its head: then what the source announced counts, else its last page."""
    lied_to(workspace, sounds, "done(write('audio.ogg', ogg[:len(ogg) // 2]))", monkeypatch, duration_ms=None)
    Candidate.objects.update(duration_ms=announced)
    outcome = loop.work_one(now=lambda: workspace.world.now)
    assert outcome and outcome.error_kind == kind


DECODER = """
import sys
from catalog.system import programs
programs.run(["sh", "-c", "echo $$ > " + sys.argv[1] + "; exec sleep 600"], timeout=600.0)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the death signal is Linux's")
def test_what_decodes_a_file_dies_with_its_worker(tmp_path: Path) -> None:
    said = tmp_path / "pid"
    os.mkfifo(said)
    killed = subprocess.Popen([sys.executable, "-c", DECODER, str(said)], cwd=PROJECT, stdout=subprocess.PIPE)
    decoder = os.pidfd_open(int(said.read_text()))
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert killed.stdout
    killed.stdout.close()
    assert select.select([decoder], [], [], 10)[0], "it lives on"
    os.close(decoder)
