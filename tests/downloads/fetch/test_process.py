"""What the parent makes of a child that misbehaves: each of these children is a real process."""

import errno
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from downloads.audio.verify import verify
from downloads.failures.kinds import DownloadError
from downloads.fetch.process import PROJECT, Fetched, child_environment, fetch, search
from downloads.fetch.protocol import ConnectionOptions, FetchRequest
from downloads.fetch.url_allowlist import direct_files
from downloads.search.youtube import SEARCH_ACCESS
from tests.audio import make_audio

START = "import json, os, sys, time, signal, subprocess\nspec = json.loads(sys.stdin.readline())\n"
START += "stage = spec['stage_dir']\n"
START += "def say(**what): print(json.dumps(what), flush=True)\n"
START += "def write(name, body=b'x'):\n"
START += "    path = os.path.join(stage, name); open(path, 'wb').write(body); return path\n"


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    (tmp_path / "stage").mkdir()
    return tmp_path / "stage"


def run(code: str, stage: Path, **options: object) -> Fetched:
    command = [sys.executable, "-c", START + code]
    options = {"deadline_seconds": 30.0, "poll_seconds": 0.02} | options
    return fetch(
        "http://127.0.0.1:1/a.mp3",
        stage,
        access=direct_files("127.0.0.1:1"),
        command=command,
        **options,  # type: ignore[arg-type]
    )


def refused(code: str, stage: Path, **options: object) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        run(code, stage, **options)
    return caught.value


def has_died(pid: int, seconds: float = 10.0) -> bool:
    """Wait until the process has ended, which need not be a child of ours."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def ends_by_its_clock() -> dict[str, object]:
    """A deadline that has passed as soon as the child has said something."""
    heard: list[float] = []
    return {
        "deadline_seconds": 5.0,
        "on_progress": heard.append,
        "clock": lambda: 1000.0 if heard else 0.0,
    }


def test_a_child_that_keeps_to_the_rules_is_believed(stage: Path) -> None:
    found = run("say(ok=True, path=write('audio.mp3'), codec='mp3')", stage)
    assert found == Fetched(str(stage.resolve() / "audio.mp3"), 1, "mp3", "mp3")


def test_a_hanging_child_that_ignores_sigterm_is_ended(stage: Path) -> None:
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwrite('pid', str(os.getpid()).encode())\n"
    code += "say(progress=0.5)\ntime.sleep(600)"
    assert refused(code, stage, **ends_by_its_clock()).kind == "timeout"
    assert has_died(int((stage / "pid").read_text()), 0)


def test_a_child_that_closes_its_mouth_and_hangs_is_ended(stage: Path) -> None:
    ticks = iter(range(1000))
    code = "os.close(1)\nos.close(2)\ntime.sleep(600)"
    assert refused(code, stage, deadline_seconds=5.0, clock=lambda: next(ticks)).kind == "timeout"


@pytest.mark.parametrize("end", ["say(ok=True, path=write('audio.mp3'))", "say(progress=0.5)\ntime.sleep(600)"])
def test_no_grandchild_is_left(stage: Path, end: str) -> None:
    """It inherits the pipes as well, so that waiting for their end would take as long as it lives."""
    pids = stage.parent / "pids"
    code = "one = subprocess.Popen(['sleep', '600'])\n"
    code += f"open({str(pids)!r}, 'w').write(str(one.pid))\n{end}"
    if "ok=True" in end:
        run(code, stage)
    else:
        refused(code, stage, **ends_by_its_clock())
    assert has_died(int(pids.read_text()))


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("pass", "tool_crashed", "exit status 0"),
        ("say(ok=True, path=stage + '/audio.mp3')", "tool_crashed", "no file"),
        ("write('b.mp3'); say(ok=True, path=write('audio.mp3'))", "tool_crashed", "2 files"),
        ("write('b.mp3'); say(ok=True, path=stage + '/audio.mp3')", "tool_crashed", "not the file"),
        (
            "os.symlink('/etc/passwd', stage + '/audio.mp3'); say(ok=True, path=stage + '/audio.mp3')",
            "tool_crashed",
            "",
        ),
        ("os.mkdir(stage + '/audio.mp3'); say(ok=True, path=stage + '/audio.mp3')", "tool_crashed", "not the file"),
        ("os.mkfifo(stage + '/audio.mp3'); say(ok=True, path=stage + '/audio.mp3')", "tool_crashed", "not the file"),
        ("say(ok=True, path='/etc/passwd')", "tool_crashed", "no file"),
        ("write('audio.mp3'); say(ok=True, path=[1])", "tool_crashed", "not the file"),
        ("say(ok=True, path=write('audio.html'))", "bad_file", "no kind of audio"),
        ("say(ok=True, path=write('audio.mp3', b''))", "bad_file", "empty"),
        ("write('audio.mp3'); raise SystemExit('the library broke')", "tool_crashed", "the library broke"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "tool_crashed", "signal 9"),
        ("print('[' * 100000, flush=True)", "tool_crashed", "exit status 0"),
        ("os.write(1, b'x' * 3000000)", "tool_crashed", "exit status 0"),
        ("say(ok=False, kind='geo', message='Not here.')", "geo", "Not here."),
        ("say(ok=False, kind='made up', message=None)", "unknown", ""),
        ("say(ok=False, kind=['geo'])", "unknown", ""),
        ("say(ok='yes', kind='geo')", "geo", ""),
    ],
)
def test_a_child_that_misbehaves_has_a_kind_and_a_reason(stage: Path, code: str, kind: str, words: str) -> None:
    error = refused(code, stage)
    assert error.kind == kind
    assert words in error.message and error.message


def test_a_shares_nonsense_is_not_passed_on(stage: Path) -> None:
    heard: list[float] = []
    code = "for share in (0.25, 2, -1, 'x', None, True): say(progress=share)\nsay(ok=True, path=write('audio.mp3'))"
    run(code, stage, on_progress=heard.append)
    assert heard == [0.25, 1.0]


def test_a_childs_wait_is_handed_on(stage: Path) -> None:
    assert refused("say(ok=False, kind='rate_limit', retry_after=90)", stage).retry_after == 90.0


def test_an_exception_of_the_callers_own_ends_the_child_too(stage: Path) -> None:
    def explode(share: float) -> None:
        raise RuntimeError("the database is gone")

    pids = stage / "pid"
    code = "write('pid', str(os.getpid()).encode())\nsay(progress=0.5)\ntime.sleep(600)"
    with pytest.raises(RuntimeError):
        run(code, stage, on_progress=explode)
    assert has_died(int(pids.read_text()), 0)


def test_a_stage_that_cannot_be_used_is_the_disks_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    error = refused("pass", tmp_path / "file" / "stage")
    assert error.kind == "storage" and error.message.endswith(".")


def test_a_full_disk_is_named_as_one(stage: Path) -> None:
    def fill(share: float) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert refused("say(progress=0.5)\ntime.sleep(600)", stage, on_progress=fill).kind == "disk_full"


FAMILY = """
import os, subprocess, sys, time
from downloads.fetch.sandbox import end_with_parent
import json
spec = json.loads(sys.stdin.readline())
end_with_parent(spec["parent"])
one = subprocess.Popen(["sleep", "600"])
print(json.dumps({"progress": 0.5}), flush=True)
open(os.path.join(os.path.dirname(spec["stage_dir"]), "pids"), "w").write(f"{os.getpid()} {one.pid}")
print(json.dumps({"progress": 0.6}), flush=True)
time.sleep(600)
"""
WORKER = """
import sys
from downloads.fetch.process import fetch
from downloads.fetch.url_allowlist import direct_files
def tell(share):
    if share == 0.6: print("ready", flush=True)
fetch("http://127.0.0.1:1/a", sys.argv[1], access=direct_files("127.0.0.1:1"), on_progress=tell,
      command=[sys.executable, "-c", sys.argv[2]])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the death signal is Linux's")
def test_a_killed_worker_takes_its_child_and_grandchild_with_it(stage: Path) -> None:
    command = [sys.executable, "-c", WORKER, str(stage), FAMILY]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT)
    assert worker.stdout and worker.stdout.readline() == b"ready\n"
    family = [int(pid) for pid in (stage.parent / "pids").read_text().split()]
    assert not any(has_died(pid, 0) for pid in family)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    assert all(has_died(pid) for pid in family)


def test_a_child_whose_parent_is_gone_before_it_asked_ends_at_once(stage: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "downloads.fetch.child"],
        input=FetchRequest(str(stage), direct_files("nas"), "http://nas/a.mp3", parent=1).to_json() + "\n",
        text=True,
        capture_output=True,
        env=child_environment(str(stage)),
        timeout=600,
    )
    assert (done.returncode, done.stdout) == (1, "")


def test_a_search_hands_on_rows_and_drops_the_rest(stage: Path) -> None:
    code = START + "say(ok=True, results=[{'id': 'a'}, 5, None])"
    assert search("q", stage, access=SEARCH_ACCESS, command=[sys.executable, "-c", code]) == [{"id": "a"}]


def test_half_a_file_that_the_child_hands_on_is_noticed_by_the_proof(stage: Path) -> None:
    whole = make_audio(stage.parent / "whole.mp3", 30)
    code = f"body = open({whole!r}, 'rb').read()\nsay(ok=True, path=write('audio.mp3', body[:len(body) // 2]))"
    found = run(code, stage)
    with pytest.raises(DownloadError) as caught:
        verify(found.path, None, None)
    assert caught.value.kind == "too_short"


def test_the_child_gets_a_copy_of_the_cookies_and_the_owners_file_stays(stage: Path, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n")
    code = "copy = os.path.join(stage, '.home', 'cookies.txt')\n"
    code += "assert os.stat(copy).st_mode & 0o777 == 0o600\nopen(copy, 'a').write('x')\n"
    code += "say(ok=True, path=write('audio.mp3'))"
    run(code, stage, connection=ConnectionOptions(cookies=str(cookies)))
    assert cookies.read_text() == "# Netscape HTTP Cookie File\n"


def test_cookies_that_have_gone_are_named(stage: Path) -> None:
    error = refused("pass", stage, connection=ConnectionOptions(cookies="/nonexistent/cookies.txt"))
    assert error.kind == "cookies" and "YOUTUBE_COOKIES" in error.message


def test_own_certificates_are_what_the_child_trusts(stage: Path) -> None:
    assert child_environment(str(stage), "/ca.pem")["SSL_CERT_FILE"] == "/ca.pem"
