"""Start other programs: clean environment, limits of memory and processor time, end with this process. Pure.

The only place that starts a foreign program (tests/test_architecture.py): none of them gets to see a secret.
"""

from __future__ import annotations

import os
import resource
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.system.child_lifetime import tied_to_us

# All that a program gets to see of our environment. No secret, no proxy, no PYTHON*, no option of yt-dlp or ffmpeg.
PASSED_ON = (
    "PATH",  # to find ffmpeg
    "SSL_CERT_FILE",  # OpenSSL's own names of the certificates to trust
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "IMAGEIO_FFMPEG_EXE",  # which ffmpeg the wheel uses
)
PIPE, NOWHERE = subprocess.PIPE, subprocess.DEVNULL
Process = subprocess.Popen  # for annotations elsewhere
KEPT_BYTES = 65_536  # of stderr: so many of its beginning, and so many of its end
_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one program may use: bytes of address space, seconds of processor time. None: no limit."""

    memory_bytes: int | None = None
    cpu_seconds: int | None = None


NO_LIMITS = Limits()


@dataclass(slots=True)
class Completed:
    """Exit status (negative: killed by that signal), all of stdout, the beginning and end of stderr.

    ``counts`` says how often each of the texts that were asked about stood in all of stderr.
    """

    code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    counts: dict[bytes, int] = field(default_factory=dict)


def clean_environment(**extra: str) -> dict[str, str]:
    """The whole environment of a program: what `PASSED_ON` names, and ``extra``."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return environment | {"LANG": "C.UTF-8"} | extra


def replace_environment(environment: Mapping[str, str]) -> None:
    """Make ``environment`` the whole environment of this process, as an exec would.

    What is the same stays: in a fork, writing it anew would copy 0.5 MB.
    """
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    for name, value in environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def start(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, limits: Limits = NO_LIMITS, **options: Any
) -> subprocess.Popen[bytes]:
    """Start ``command``; ``options`` are `subprocess.Popen`'s. It is killed when the thread that starts it ends."""
    options.setdefault("preexec_fn", _before_exec(limits))
    return subprocess.Popen(list(command), env=dict(env or clean_environment()), **options)


def run(
    command: Sequence[str],
    *,
    timeout: float,
    stdin: bytes = b"",
    limits: Limits = NO_LIMITS,
    counted: Sequence[bytes] = (),
) -> Completed:
    """Run ``command`` to its end. `TimeoutError` after ``timeout`` seconds, OSError where it cannot be started."""
    process = start(
        command, limits=limits, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    try:
        result = _Communication(process, stdin, counted).until(time.monotonic() + timeout)
    except BaseException:
        process.kill()
        raise
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
        code = process.wait()
    result.code = code
    return result


def _before_exec(limits: Limits) -> Callable[[], None]:
    tie = tied_to_us()

    def in_child() -> None:
        tie()
        if limits.memory_bytes is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes,) * 2)
        if limits.cpu_seconds is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds,) * 2)

    return in_child


class _Communication:
    """Feed stdin, read stdout and stderr as they come; of stderr only beginning and end are kept in memory."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes, counted: Sequence[bytes]) -> None:
        assert process.stdin and process.stdout and process.stderr
        self._in, self._out, self._err = process.stdin, process.stdout, process.stderr
        self._rest = memoryview(stdin)
        self._stdout: list[bytes] = []
        self._head = self._tail = self._line = b""
        self._counts = dict.fromkeys(counted, 0)

    def until(self, end: float) -> Completed:
        with selectors.DefaultSelector() as waiting:
            for stream in (self._out, self._err):
                waiting.register(stream, selectors.EVENT_READ, self._read)
            if self._rest:
                os.set_blocking(self._in.fileno(), False)
                waiting.register(self._in, selectors.EVENT_WRITE, self._write)
            else:
                self._in.close()
            while waiting.get_map():
                if time.monotonic() > end:
                    raise TimeoutError
                for key, _ in waiting.select(max(0.0, end - time.monotonic())):
                    if not key.data(key.fileobj):
                        waiting.unregister(key.fileobj)
        self._count(self._line)
        return Completed(0, b"".join(self._stdout), self._head + self._tail, self._counts)

    def _read(self, stream: Any) -> bool:
        block = os.read(stream.fileno(), _BLOCK)
        if stream is self._out:
            self._stdout.append(block)
        else:
            self._keep(block)
        return bool(block)

    def _keep(self, block: bytes) -> None:
        *lines, self._line = (self._line + block).split(b"\n")
        self._line = self._line[-_BLOCK:]
        for line in lines:
            self._count(line)
        room = KEPT_BYTES - len(self._head)
        self._head += block[:room]
        self._tail = (self._tail + block[room:])[-KEPT_BYTES:]

    def _count(self, line: bytes) -> None:
        for text in self._counts:
            self._counts[text] += text in line

    def _write(self, stream: Any) -> bool:
        try:
            self._rest = self._rest[os.write(stream.fileno(), self._rest[:_BLOCK]) :]
        except BrokenPipeError:
            self._rest = memoryview(b"")
        if not self._rest:
            stream.close()
        return bool(self._rest)
