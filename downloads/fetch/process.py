"""The parent's side of a fetch: start the child process, listen to it, end it, believe nothing it says.

The child (`downloads.fetch.child`) runs yt-dlp on whatever a server sends. It gets a process group of its own, a clean
environment and one folder; here its time is limited and what it leaves is checked before anybody uses it.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.text.sanitize import one_line
from downloads.audio.verify import AS_DELIVERED, EXTENSIONS, FORMATS
from downloads.failures.kinds import ERROR_KINDS, classify
from downloads.fetch.url_allowlist import AddressRefused, archive_address, server, youtube_address

ARCHIVE, YOUTUBE, SEARCH = "archive", "youtube", "search"
PROJECT = str(Path(__file__).resolve().parents[2])
# -P keeps the stage, which is the child's current folder and holds a stranger's file, off the import path.
COMMAND: tuple[str, ...] = (sys.executable, "-P", "-s", "-m", "downloads.fetch.child")
HOME = ".home"  # the child's home inside the stage: what its tools cache goes when the stage goes

# All that the child gets to see of our environment. No secret, no proxy, no PYTHON*, no yt-dlp or ffmpeg option.
PASSED_ON = (
    "PATH",  # to find ffmpeg
    "SSL_CERT_FILE",  # an audio server at home may have a certificate of its own authority
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "IMAGEIO_FFMPEG_EXE",  # which ffmpeg the wheel uses
)
MAX_BYTES = 2**30  # an hour of 24-bit sound; nobody's song is larger
LONGEST_LINE = 1_000_000  # bytes of one answer of the child; a search's is about 20,000
LONGEST_WORDS = 4_000  # bytes of its stderr that are kept, the last ones


class FetchError(Exception):
    """``kind`` is a key of `ERROR_KINDS`, ``message`` one sentence, ``retry_after`` seconds if the server named any."""

    def __init__(self, kind: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = one_line(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Fetched:
    """One regular file inside the stage: its absolute path, size in bytes, extension without a dot, codec.

    ``expected_bytes``: how many were announced for it; None where nobody said, or where it was rewritten since.
    """

    path: str
    size: int
    extension: str
    codec: str = ""
    expected_bytes: int | None = None


def fetch(
    candidate_url: str,
    stage_dir: str | Path,
    *,
    source: str,
    allowed_host: str = "",
    audio_format: str = AS_DELIVERED,
    any_quality: bool = False,
    length_unknown: bool = False,
    on_progress: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool] = lambda: False,
    deadline_seconds: float = 3600.0,
    poll_seconds: float = 0.5,
    rate_bytes: int = 0,
    max_bytes: int = MAX_BYTES,
    command: Sequence[str] = COMMAND,
    clock: Callable[[], float] = time.monotonic,
) -> Fetched:
    """Fetch one recording into the empty folder ``stage_dir``, in a child process that cannot outlive this call.

    ``source`` is "archive" (then only direct files on ``allowed_host``, "host", "host:port" or an address) or
    "youtube". ``audio_format`` is "best", "m4a", "opus" or "mp3"; ``any_quality`` lets the floor of bit rates be.
    ``length_unknown``: nobody can say how long it should be, so it is proven as it arrives, before it is rewritten.
    ``on_progress`` gets the share so far, 0 to 1; ``should_stop`` is asked every ``poll_seconds``; an OSError of either
    counts as the disk's. ``rate_bytes`` is per second (0: as fast as it goes).
    Raises FetchError; the stage's content is then worthless and the caller's to remove.
    """
    stage = os.path.realpath(stage_dir)
    spec = {
        "kind": source,
        "url": _checked_address(candidate_url, source, allowed_host),
        "allowed_host": allowed_host,
        "stage_dir": stage,
        "audio_format": _checked_format(audio_format),
        "any_quality": any_quality,
        "length_unknown": length_unknown,
        "max_bytes": max_bytes,
        "rate_bytes": rate_bytes,
    }
    talk = FetchProcess(command, spec, stage, on_progress)
    with _the_disks_errors():
        answer = talk.hold(should_stop, clock() + deadline_seconds, poll_seconds, clock)
        return _the_file(stage, answer)


def search(
    query: str,
    stage_dir: str | Path,
    *,
    limit: int = 10,
    should_stop: Callable[[], bool] = lambda: False,
    deadline_seconds: float = 60.0,
    poll_seconds: float = 0.5,
    command: Sequence[str] = COMMAND,
    clock: Callable[[], float] = time.monotonic,
) -> list[dict[str, Any]]:
    """YouTube's own search through yt-dlp, in the child: up to ``limit`` results as yt-dlp lists them.

    Each has at least "id" and "title"; "duration" (seconds), "channel" and "view_count" may be None. FetchError.
    """
    stage = os.path.realpath(stage_dir)
    spec = {"kind": SEARCH, "query": query, "limit": limit, "stage_dir": stage}
    talk = FetchProcess(command, spec, stage, lambda share: None)
    with _the_disks_errors():
        answer = talk.hold(should_stop, clock() + deadline_seconds, poll_seconds, clock)
    found = answer.get("results")
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


@contextlib.contextmanager
def _the_disks_errors() -> Iterator[None]:
    """An OSError on our side is the stage's disk: nobody else's fault, and never the track's."""
    try:
        yield
    except OSError as error:
        kind = classify(str(error))
        raise FetchError(
            kind if ERROR_KINDS[kind].service == "storage" else "storage",
            f"The folder for unfinished files cannot be used: {error.strerror or error}.",
        ) from error


def _checked_address(url: str, source: str, allowed_host: str) -> str:
    try:
        if source == YOUTUBE:
            return youtube_address(url)
        if source == ARCHIVE:
            return archive_address(url, server(allowed_host))
    except AddressRefused as error:
        raise FetchError("foreign_host", str(error)) from error
    raise ValueError(f"no audio source is called {source!r}")


def _checked_format(audio_format: str) -> str:
    if audio_format != AS_DELIVERED and audio_format not in FORMATS:
        raise ValueError(f"no audio format is called {audio_format!r}")
    return audio_format


def child_environment(stage: str) -> dict[str, str]:
    """The child's whole environment: what `PASSED_ON` names, and places inside the stage."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    home = os.path.join(stage, HOME)
    places = {"HOME": home, "TMPDIR": home, "DENO_DIR": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home}
    fixed = {"LANG": "C.UTF-8", "PYTHONPATH": PROJECT, "PYTHONDONTWRITEBYTECODE": "1", "YTDLP_NO_PLUGINS": "1"}
    return kept | places | fixed


@dataclass
class FetchProcess:
    """One child from its start to its end."""

    command: Sequence[str]
    spec: dict[str, Any]
    stage: str
    on_progress: Callable[[float], None]
    _answer: dict[str, Any] | None = field(default=None, init=False)
    _line: bytes = field(default=b"", init=False)
    _words: bytes = field(default=b"", init=False)

    def hold(
        self, should_stop: Callable[[], bool], end: float, poll: float, clock: Callable[[], float]
    ) -> dict[str, Any]:
        """The child's last answer, once it and all that it started have ended; FetchError where it says no."""
        process = self._start()
        try:
            self._listen(process, should_stop, end, poll, clock)
        finally:
            code = self._end(process)
        return self._result(code)

    def _start(self) -> subprocess.Popen[bytes]:
        with contextlib.suppress(FileExistsError):
            os.mkdir(os.path.join(self.stage, HOME), mode=0o700)
        process = subprocess.Popen(
            list(self.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.stage,
            env=child_environment(self.stage),
            start_new_session=True,
        )
        assert process.stdin
        # Its stdin stays open: where the system cannot tell it of our death, the end of its stdin does.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(self.spec | {"parent": os.getpid()}).encode() + b"\n")
            process.stdin.flush()
        return process

    def _listen(
        self,
        process: subprocess.Popen[bytes],
        should_stop: Callable[[], bool],
        end: float,
        poll: float,
        clock: Callable[[], float],
    ) -> None:
        with selectors.DefaultSelector() as waiting:
            for stream in (process.stdout, process.stderr):
                assert stream
                os.set_blocking(stream.fileno(), False)
                waiting.register(stream, selectors.EVENT_READ)
            while not _has_ended(process):
                for key, _ in waiting.select(poll):
                    if not self._read(key.fd, key.fileobj is process.stdout):
                        waiting.unregister(key.fileobj)
                if should_stop():
                    raise FetchError("stopped", "Fetching was stopped.")
                if clock() > end:
                    raise FetchError("timeout", "Fetching took too long and was stopped.")
                if not waiting.get_map():  # it closed both; only its end is left to wait for
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        _wait_a_moment(process, poll)

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        """Kill the child's whole group, take in what it still had to say, reap it; its exit status.

        No SIGTERM first: there is nothing in the stage worth saving, and a child may ignore it. The child is
        reaped last, so that its number, which is the group's, cannot have been given to anybody else.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for stream, is_answer in ((process.stdout, True), (process.stderr, False)):
            assert stream
            with contextlib.suppress(OSError, ValueError):
                os.set_blocking(stream.fileno(), False)
                while self._read(stream.fileno(), is_answer) > 1:
                    pass
            stream.close()
        with contextlib.suppress(OSError):
            assert process.stdin
            process.stdin.close()
        return process.wait()

    def _read(self, fd: int, is_answer: bool) -> int:
        """Take in what is there: 0 at the end of the stream, 1 where there is nothing now, else more."""
        try:
            block = os.read(fd, 65_536)
        except BlockingIOError:
            return 1
        if is_answer:
            self._take(block)
        else:
            self._words = (self._words + block)[-LONGEST_WORDS:]
        return len(block) + 1 if block else 0

    def _take(self, block: bytes) -> None:
        *lines, self._line = (self._line + block).split(b"\n")
        self._line = self._line[:LONGEST_LINE]  # what is longer is no answer of ours and will not parse
        for line in lines:
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(said, dict):
            return
        share = said.get("progress")
        if "ok" in said:
            self._answer = said
        elif isinstance(share, (int, float)) and 0 <= share <= 1:
            self.on_progress(float(share))

    def _result(self, code: int) -> dict[str, Any]:
        answer = self._answer
        if answer is None:
            raise FetchError("tool_crashed", f"The fetching process ended without an answer ({self._ending(code)}).")
        if answer.get("ok") is True:
            return answer
        kind, message, wait = (answer.get(name) for name in ("kind", "message", "retry_after"))
        known = kind if isinstance(kind, str) and kind in ERROR_KINDS else "unknown"
        seconds = float(wait) if isinstance(wait, (int, float)) and wait > 0 else None
        raise FetchError(known, str(message or ERROR_KINDS[known].sentence)[:500], seconds)

    def _ending(self, code: int) -> str:
        how = f"exit status {code}" if code >= 0 else f"killed by signal {-code}"
        last = self._words.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        return f"{how}: {last[:200]}" if last else how


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    # WNOWAIT leaves it a zombie: its number stays taken until its group has been swept.
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


def _wait_a_moment(process: subprocess.Popen[bytes], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not _has_ended(process) and time.monotonic() < end:
        time.sleep(0.01)


def _the_file(stage: str, answer: dict[str, Any]) -> Fetched:
    """The one regular file in the stage, which is also the one that the child named; else FetchError."""
    found = sorted(name for name in os.listdir(stage) if name != HOME)
    if len(found) != 1:
        what = "no file" if not found else f"{len(found)} files"
        raise FetchError("tool_crashed", f"The fetching process said it was done and left {what}.")
    path = os.path.join(stage, found[0])
    seen = os.lstat(path)
    if not stat.S_ISREG(seen.st_mode) or answer.get("path") != path:
        raise FetchError("tool_crashed", "What the fetching process left is not the file that it named.")
    extension = os.path.splitext(path)[1][1:].lower()
    if extension not in EXTENSIONS:
        raise FetchError("bad_file", "What was fetched is no kind of audio file.")
    if seen.st_size == 0:
        raise FetchError("bad_file", "The file that was fetched is empty.")
    expected = answer.get("expected_bytes")
    codec = str(answer.get("codec", ""))[:40]
    return Fetched(path, seen.st_size, extension, codec, expected if isinstance(expected, int) else None)
