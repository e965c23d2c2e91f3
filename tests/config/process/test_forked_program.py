"""What a program of ours finds when it is forked from the manager instead of started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.process import supervisor

ROOT = Path(__file__).resolve().parents[3]
BECOME = """
import os, signal, sys
from config.process import forked_program
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.environ["ONLY_OURS"] = "1"
forked_program.become(["-m", "tests.config.process.told_program", *sys.argv[1:]], {"PATH": "/bin", "NEW": "2"})
"""


def become(*words: str) -> subprocess.CompletedProcess[str]:
    """A process that becomes `told_program` with these words."""
    return subprocess.run([sys.executable, "-c", BECOME, *words], cwd=ROOT, capture_output=True, text=True, timeout=600)


def run_in_django(data: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A process of its own with our settings, over a data folder that is empty."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)


def test_a_program_finds_its_words_its_environment_and_no_handlers_of_the_manager() -> None:
    done = become("tell", "something")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["words"] == ["tests.config.process.told_program", "tell", "something"]
    assert told["environment"] == {"PATH": "/bin", "NEW": "2"}
    assert told["handlers"] == ["SIG_DFL", "SIG_IGN"]
    if Path("/proc/self/cmdline").exists():
        assert "tests.config.process.told_program tell something".startswith(told["title"])


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("0", 0, ""),
        ("7", 7, ""),
        ("a sentence", 1, "a sentence\n"),
        ("return", 0, ""),
    ],
)
def test_a_program_ends_as_it_says(end: str, status: int, said: str) -> None:
    done = become("end", end)
    assert (done.returncode, done.stderr) == (status, said)
    assert done.stdout == "the last words\n", "what was printed is not lost, and exit functions ran"


def test_an_error_of_a_program_is_printed() -> None:
    done = become("fail")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


COMMAND = """
import sys, django
from config.process import forked_program
django.setup()
del django.setup  # a second one fails
forked_program.become(["manage.py", "qcluster", *sys.argv[1:]], {"PATH": "/bin"})
"""


@pytest.mark.parametrize(
    ("word", "status", "said"), [("--help", 0, "usage: manage.py qcluster"), ("--name=x", 2, "invalid choice: 'x'")]
)
def test_a_command_runs_in_the_django_that_is_set_up(tmp_path: Path, word: str, status: int, said: str) -> None:
    done = run_in_django(tmp_path, COMMAND, word)
    assert (done.returncode, said in done.stdout + done.stderr) == (status, True), done.stderr


def test_a_descriptor_of_an_imported_module_stays_open_in_a_program() -> None:
    """Else that module, when it lets go of it, closes whatever has its number by then."""
    options = supervisor.Options()
    held, other = os.dup(0), os.dup(0)
    options.held = frozenset({held})
    for descriptor in (held, other):
        options.close_fd(descriptor)
    os.fstat(held)
    os.close(held)
    with pytest.raises(OSError):
        os.fstat(other)


def test_what_is_preloaded_holds_no_connection_and_starts_no_thread(tmp_path: Path) -> None:
    look = (
        "import gc, json, threading; from config.process import forked_program as f;"
        "held = f.preload(['web', 'jobs', 'downloads', 'watch']);"
        "from django.db import connections;"
        "print(json.dumps([threading.active_count(), connections['default'].connection is None,"
        " gc.get_freeze_count() > 50_000, len(held)]))"
    )
    done = run_in_django(tmp_path, look)
    assert done.returncode == 0, done.stderr  # though the database has no tables yet
    threads, unconnected, frozen, held = json.loads(done.stdout)
    assert (threads, unconnected, frozen) == (1, True, True)
    assert held < 10


LAZY = ["spotipy", "requests", "cryptography", "PIL", "segno", "rapidfuzz", "ytmusicapi", "psycopg", "tqdm", "ninja"]


@pytest.mark.parametrize("name", LAZY)
def test_what_few_need_is_not_preloaded(name: str, preloaded: set[str]) -> None:
    """Each would be 0.7 to 17 MB more in all of the program (`python -m bench.memory`)."""
    assert name not in preloaded


@pytest.fixture(scope="module")
def preloaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    look = (
        "import sys; from config.process import forked_program as f; f.preload(['web', 'jobs', 'downloads', 'watch']);"
        "print(*sys.modules)"
    )
    done = run_in_django(tmp_path_factory.mktemp("data"), look)
    return set(done.stdout.split())
