"""The parent's side of a fetch: start the child process, listen to it, end it, believe nothing it says.

The child (`downloads.fetch.child`) runs yt-dlp on whatever a server sends. It gets a process group of its own, a clean
environment and one folder; here its time is limited and what it leaves is checked before anybody uses it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from catalog.system import programs
from catalog.system.programs import PIPE, Process
from downloads.audio.convert import AS_DELIVERED, EXTENSIONS, FORMATS
from downloads.failures.classify import classify
from downloads.failures.kinds import ERROR_KINDS, SERVICE, DownloadError
from downloads.fetch import guest_cookies
from downloads.fetch.fork_server import ForkedProcess, ForkServer
from downloads.fetch.protocol import COOKIES, DIRECT, HOME, MAX_BYTES, ConnectionOptions, FetchRequest
from downloads.fetch.url_allowlist import AddressRefused, SiteAccess

logger = logging.getLogger(__name__)
PROJECT = str(Path(__file__).resolve().parents[2])
# -P keeps the stage, which is the child's current folder and holds a stranger's file, off the import path.
COMMAND: tuple[str, ...] = (sys.executable, "-P", "-s", "-m", "downloads.fetch.child")
LONGEST_LINE = 1_000_000  # bytes of one answer of the child; a search's is about 20,000
STDERR_KEPT = 4_000  # bytes of its stderr that are kept, the last ones


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
    url: str,
    stage_dir: str | Path,
    *,
    access: SiteAccess,
    audio_format: str = AS_DELIVERED,
    any_quality: bool = False,
    least_bit_rate: int = 0,
    length_unknown: bool = False,
    on_progress: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool] = lambda: False,
    deadline_seconds: float = 3600.0,
    poll_seconds: float = 0.5,
    max_bytes: int = MAX_BYTES,
    connection: ConnectionOptions = DIRECT,
    command: Sequence[str] = COMMAND,
    server: ForkServer | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Fetched:
    """Fetch one recording into the empty folder ``stage_dir``, in a child process that cannot outlive this call.

    ``access`` is what the fetch may use of the network, ``connection`` how it gets there; for the others see
    `downloads.fetch.protocol.FetchRequest`.
    ``on_progress`` gets the share so far, 0 to 1; ``should_stop`` is asked every ``poll_seconds``; an OSError of either
    counts as the disk's. ``server`` forks the child; without one ``command`` is started. Raises DownloadError; the
    stage's content is then worthless and the caller's to remove.
    """
    stage = os.path.realpath(stage_dir)
    request = FetchRequest(
        stage_dir=stage,
        access=access,
        url=_checked_url(url, access),
        audio_format=_checked_format(audio_format),
        any_quality=any_quality,
        least_bit_rate=least_bit_rate,
        length_unknown=length_unknown,
        max_bytes=max_bytes,
        connection=connection,
    )
    child = FetchProcess(command, request, on_progress, server if command is COMMAND else None)
    with _disk_errors():
        try:
            answer = child.wait(should_stop, clock() + deadline_seconds, poll_seconds, clock)
        except DownloadError as error:
            if ERROR_KINDS[error.kind].fault == SERVICE:
                guest_cookies.forget(request)  # whoever was refused does not come back as the same guest
            raise
        fetched = _fetched_file(stage, answer)
    guest_cookies.keep(request)
    return fetched


def search(
    query: str,
    stage_dir: str | Path,
    *,
    access: SiteAccess,
    limit: int = 10,
    connection: ConnectionOptions = DIRECT,
    should_stop: Callable[[], bool] = lambda: False,
    deadline_seconds: float = 60.0,
    poll_seconds: float = 0.5,
    command: Sequence[str] = COMMAND,
    clock: Callable[[], float] = time.monotonic,
) -> list[dict[str, Any]]:
    """A site's own search through yt-dlp, in the child: up to ``limit`` results as yt-dlp lists them.

    Each has at least "id" and "title"; "duration" (seconds), "channel" and "view_count" may be None. DownloadError.
    """
    request = FetchRequest(
        stage_dir=os.path.realpath(stage_dir), access=access, query=query, limit=limit, connection=connection
    )
    child = FetchProcess(command, request, lambda share: None)
    with _disk_errors():
        answer = child.wait(should_stop, clock() + deadline_seconds, poll_seconds, clock)
    results = answer.get("results")
    return [row for row in results if isinstance(row, dict)] if isinstance(results, list) else []


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """An OSError on our side is the stage's disk: nobody else's fault, and never the track's."""
    try:
        yield
    except OSError as error:
        kind = classify(str(error))
        raise DownloadError(
            kind if ERROR_KINDS[kind].service == "storage" else "storage",
            f"The folder for unfinished files cannot be used: {error.strerror or error}.",
        ) from error


def _checked_url(url: str, access: SiteAccess) -> str:
    try:
        return access.checked(url)
    except AddressRefused as error:
        raise DownloadError("foreign_host", str(error)) from error


def _checked_format(audio_format: str) -> str:
    if audio_format != AS_DELIVERED and audio_format not in FORMATS:
        raise ValueError(f"no audio format is called {audio_format!r}")
    return audio_format


def _copy_cookies(request: FetchRequest) -> None:
    """Give the child a copy of the cookies: yt-dlp writes its file anew, and the owner's stays as it is."""
    if not request.connection.cookies:
        guest_cookies.copy_to(request)
        return
    try:
        text = Path(request.connection.cookies).read_bytes()
    except OSError as error:
        raise DownloadError("cookies", f"YOUTUBE_COOKIES cannot be read: {error.strerror}.") from error
    target = os.open(os.path.join(request.stage_dir, HOME, COOKIES), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(target, "wb") as copy:
        copy.write(text)


def child_environment(stage: str, ca_file: str = "") -> dict[str, str]:
    """The child's whole environment: what every program gets, and places inside the stage."""
    home = os.path.join(stage, HOME)
    places = dict.fromkeys(("HOME", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), home)
    own_certificates = {"SSL_CERT_FILE": ca_file} if ca_file else {}
    return programs.clean_environment(
        **places, **own_certificates, PYTHONPATH=PROJECT, PYTHONDONTWRITEBYTECODE="1", YTDLP_NO_PLUGINS="1"
    )


@dataclass
class FetchProcess:
    """One child from its start to its end."""

    command: Sequence[str]
    request: FetchRequest
    on_progress: Callable[[float], None]
    server: ForkServer | None = None
    _answer: dict[str, Any] | None = field(default=None, init=False)
    _line: bytes = field(default=b"", init=False)
    _stderr: bytes = field(default=b"", init=False)

    def wait(
        self, should_stop: Callable[[], bool], end: float, poll: float, clock: Callable[[], float]
    ) -> dict[str, Any]:
        """The child's last answer, once it and all that it started have ended; DownloadError where it failed."""
        process = self._start()
        try:
            self._listen(process, should_stop, end, poll, clock)
        finally:
            code = self._end(process)
        return self._result(code)

    def _start(self) -> ForkedProcess | Process[bytes]:
        stage = self.request.stage_dir
        with contextlib.suppress(FileExistsError):
            os.mkdir(os.path.join(stage, HOME), mode=0o700)
        _copy_cookies(self.request)
        process = self._fork_or_exec(stage, child_environment(stage, self.request.connection.ca_file))
        assert process.stdin
        parent = process.parent if isinstance(process, ForkedProcess) else os.getpid()
        # Its stdin stays open: where the system cannot tell it of our death, the end of its stdin does.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(replace(self.request, parent=parent).to_json().encode() + b"\n")
            process.stdin.flush()
        return process

    def _fork_or_exec(self, stage: str, environment: dict[str, str]) -> ForkedProcess | Process[bytes]:
        """A fork of the preloaded process where there is one to be had, else a Python of its own."""
        if self.server is not None:
            try:
                return self.server.fork(stage, environment)
            except (ConnectionError, BrokenPipeError):
                logger.warning("The preloaded download process has ended; this download starts a Python of its own.")
        return programs.start(
            self.command, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=stage, start_new_session=True
        )

    def _listen(
        self,
        process: ForkedProcess | Process[bytes],
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
                    raise DownloadError("stopped", "The download was stopped.")
                if clock() > end:
                    raise DownloadError("timeout", "The download took too long and was stopped.")
                if not waiting.get_map():  # it closed both; only its end is left to wait for
                    _wait_for_end(process, poll)

    def _end(self, process: ForkedProcess | Process[bytes]) -> int:
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
            self._split(block)
        else:
            self._stderr = (self._stderr + block)[-STDERR_KEPT:]
        return len(block) + 1 if block else 0

    def _split(self, block: bytes) -> None:
        *lines, self._line = (self._line + block).split(b"\n")
        self._line = self._line[:LONGEST_LINE]  # what is longer is no answer of ours and will not parse
        for line in lines:
            self._parse(line)

    def _parse(self, line: bytes) -> None:
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(answer, dict):
            return
        share = answer.get("progress")
        if "ok" in answer:
            self._answer = answer
        elif isinstance(share, (int, float)) and 0 <= share <= 1:
            self.on_progress(float(share))

    def _result(self, code: int) -> dict[str, Any]:
        answer = self._answer
        if answer is None:
            raise DownloadError("tool_crashed", f"The download process ended without an answer ({self._ending(code)}).")
        if answer.get("ok") is True:
            return answer
        kind, message, wait = (answer.get(name) for name in ("kind", "message", "retry_after"))
        valid = kind if isinstance(kind, str) and kind in ERROR_KINDS else "unknown"
        seconds = float(wait) if isinstance(wait, (int, float)) and wait > 0 else None
        raise DownloadError(valid, str(message or ERROR_KINDS[valid].sentence)[:500], seconds)

    def _ending(self, code: int) -> str:
        how = f"exit status {code}" if code >= 0 else f"killed by signal {-code}"
        last = self._stderr.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        return f"{how}: {last[:200]}" if last else how


def _has_ended(process: ForkedProcess | Process[bytes]) -> bool:
    if isinstance(process, ForkedProcess):
        return process.has_ended()
    # WNOWAIT leaves it a zombie: its number stays taken until its group has been swept.
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


def _wait_for_end(process: ForkedProcess | Process[bytes], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not _has_ended(process) and time.monotonic() < end:
        time.sleep(0.01)


def _fetched_file(stage: str, answer: dict[str, Any]) -> Fetched:
    """The one regular file in the stage, which is also the one that the child named; else DownloadError."""
    names = sorted(name for name in os.listdir(stage) if name != HOME)
    if len(names) != 1:
        what = "no file" if not names else f"{len(names)} files"
        raise DownloadError("tool_crashed", f"The download process said it was done and left {what}.")
    path = os.path.join(stage, names[0])
    entry = os.lstat(path)
    if not stat.S_ISREG(entry.st_mode) or answer.get("path") != path:
        raise DownloadError("tool_crashed", "What the download process left is not the file that it named.")
    extension = os.path.splitext(path)[1][1:].lower()
    if extension not in EXTENSIONS:
        raise DownloadError("bad_file", "What was downloaded is no kind of audio file.")
    if entry.st_size == 0:
        raise DownloadError("bad_file", "The file that was downloaded is empty.")
    expected = answer.get("expected_bytes")
    codec = str(answer.get("codec", ""))[:40]
    return Fetched(path, entry.st_size, extension, codec, expected if isinstance(expected, int) else None)
