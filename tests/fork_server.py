"""Runs of `manage.py` forked from a process that has imported Django and the libraries: 0.3 s of CPU for 1.0 s.

Each run is a process of its own: pid, folder, environment, standard streams, signals, exit status. Settings and the
project's modules are imported afresh in it, so they see its environment; `demo` and the tests of processes that are
started for good (`run`, `qcluster`, the web server) use a real exec.
"""

from __future__ import annotations

import atexit
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context, reduction
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

PROJECT = Path(__file__).resolve().parents[1]
# Imported once, in the server: what reads no settings when it is imported. A name that is gone is skipped.
LIBRARIES = (
    "cryptography.fernet",
    "dj_database_url",
    "django.contrib.admin.utils",
    "django.core.handlers.wsgi",
    "django.core.management.commands.migrate",
    "django.db.backends.sqlite3.base",
    "django.forms",
    "django.template.loader_tags",
    "django.test",
    "django.urls",
    "django.views.generic",
    "dotenv",
    "multiprocessing.sharedctypes",
    "mutagen.mp3",
    "psycopg",
    "rapidfuzz.fuzz",
    "requests",
    "spotipy",
    "tqdm",
    "whitenoise.middleware",
    "ytmusicapi",
)
_forks = get_context("forkserver")
_forks.set_forkserver_preload([*LIBRARIES, __name__])


class InheritedFile:
    """A file descriptor that goes along to the forked process."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __getstate__(self) -> Any:
        return reduction.DupFd(self.descriptor)

    def __setstate__(self, sent: Any) -> None:
        self.descriptor = sent.detach()


@dataclass
class ManageRun:
    """The body of the forked process: ``python manage.py WORDS``, in the project's folder."""

    words: Sequence[str]
    environment: Mapping[str, str]
    streams: Sequence[InheritedFile]

    def __call__(self) -> None:
        for number, stream in enumerate(self.streams):
            os.dup2(stream.descriptor, number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX") if sys.platform != "linux" else 1024)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0, "r"), os.fdopen(1, "w"), os.fdopen(2, "w")
        os.chdir(PROJECT)
        os.environ.clear()
        os.environ.update(self.environment)
        sys.argv[:] = ["manage.py", *self.words]
        try:
            runpy.run_path("manage.py", run_name="__main__")
        except Exception:
            sys.excepthook(*sys.exc_info())
            sys.exit(1)
        finally:
            atexit._run_exitfuncs()


def manage(words: Sequence[str], environment: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """`manage.py` with these words in this environment alone. TimeoutExpired after ``timeout`` seconds."""
    with open(os.devnull, "w+b") as nothing, TemporaryFile() as out, TemporaryFile() as err:
        streams = [InheritedFile(file.fileno()) for file in (nothing, out, err)]
        process = _forks.Process(target=ManageRun(list(words), dict(environment), streams))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(words), timeout, _content(out), _content(err))
        return subprocess.CompletedProcess(list(words), process.exitcode, _content(out), _content(err))


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
