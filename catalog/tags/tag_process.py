"""Read and write tags in a process that may fail: a file can ask its parser for gigabytes or for hours.

The other process runs this file, without Django, database or environment. Requests and answers are `marshal` values on
its stdin and stdout. It may use `MEMORY` bytes, and `SECONDS` of processor time for each file; where it dies of a file,
that file is unreadable, and the next one gets a new process.
"""

from __future__ import annotations

import marshal
import os
import resource
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import Any

if __name__ == "__main__":  # run as a file, without the project on its path
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from catalog.system import programs
from catalog.tags import audio_tags, tag_fields
from catalog.tags.audio_tags import FileTags, TagError, TrackTags
from catalog.tags.tag_fields import Fields

MEMORY = 512 * 2**20  # bytes of address space
SECONDS = 20  # of processor time for one file; ordinary ones take milliseconds
ANSWER_WITHIN = 300.0  # seconds: a drive that does not answer must not hold us for ever

READ, WRITE, READ_FIELDS, CHANGE, PICTURE = "read", "write", "read fields", "change", "picture"


class Unreadable(Exception):
    """The file broke a limit of memory or time; the text is a sentence without its path."""


class TagProcess:
    """One process that parses files. Use from one thread at a time; `close` ends it."""

    def __init__(self) -> None:
        self._process: programs.Process[bytes] | None = None
        self._started_by = 0
        self._ended_by = 0

    @property
    def pid(self) -> int:
        """Of the process that is there or was last; 0: none was started yet."""
        return self._process.pid if self._process else 0

    def read(self, path: str) -> FileTags | None:
        """As `catalog.tags.audio_tags.read_tags`. Raises OSError for the disk, Unreadable."""
        tags = self._call(READ, path)
        if tags is None:
            return None
        return FileTags(**tags)

    def write(self, path: str, tags: TrackTags, cover: bytes | None, id3_version: int = 4) -> None:
        """As `catalog.tags.audio_tags.write_tags`. Raises TagError, OSError for the disk, Unreadable."""
        self._call(WRITE, path, asdict(tags), cover, id3_version)

    def read_fields(self, path: str) -> Fields | None:
        """As `catalog.tags.tag_fields.read_fields`. Raises OSError for the disk, Unreadable."""
        fields: Fields | None = self._call(READ_FIELDS, path)
        return fields

    def change_fields(self, path: str, fields: Fields) -> None:
        """As `catalog.tags.tag_fields.change_fields`. Raises TagError, OSError for the disk, Unreadable."""
        self._call(CHANGE, path, fields)

    def read_picture(self, path: str) -> bytes | None:
        """As `catalog.tags.audio_tags.read_picture`. Raises OSError for the disk, Unreadable."""
        picture: bytes | None = self._call(PICTURE, path)
        return picture

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process and self._started_by == os.getpid():
            self._process.kill()
            self._process.communicate()
        self._process = None

    def _call(self, *request: Any) -> Any:
        answer = self._ask(request)
        if answer is None and self._ended_by != signal.SIGXCPU:  # killed for want of memory, say, or between two files
            answer = self._ask(request)
        if answer is None:
            raise Unreadable("Its tags need more memory or time than any sound file should.")
        kind, value = answer
        if kind == "unreadable":
            self.close()  # what a failed allocation leaves behind is nobody's to know
            raise Unreadable("Its tags need more memory than any sound file should.")
        if kind == "tag error":
            raise TagError(value)
        if kind == "disk":
            raise OSError(*value)
        return value

    def _ask(self, request: tuple[Any, ...]) -> tuple[str, Any] | None:
        """The answer; None where the process ended without one."""
        process = self._started()
        assert process.stdin and process.stdout
        guard = threading.Timer(ANSWER_WITHIN, process.kill)
        guard.start()
        try:
            marshal.dump(request, process.stdin)
            process.stdin.flush()
            kind, value = marshal.load(process.stdout)  # noqa: S302  our own process
            return kind, value
        except (OSError, EOFError, ValueError, TypeError):
            process.kill()
            self._ended_by = -process.wait()
            self.close()
            return None
        finally:
            guard.cancel()

    def _started(self) -> programs.Process[bytes]:
        if self._process is None or self._started_by != os.getpid() or self._process.poll() is not None:
            self._started_by = os.getpid()
            self._process = programs.start(
                [sys.executable, "-I", "-X", "utf8", os.path.abspath(__file__)],
                stdin=programs.PIPE,
                stdout=programs.PIPE,
                stderr=programs.NOWHERE,
                preexec_fn=None,  # it outlives the thread that starts it, and ends with its stdin
            )
        return self._process


_shared = TagProcess()
_turn = threading.Lock()


def read_tags(path: str) -> FileTags | None:
    """What the file says, None where it is no audio or cannot be read within the limits. OSError for the disk."""
    with _turn, suppress(Unreadable):
        return _shared.read(path)
    return None


def write_tags(path: str, tags: TrackTags, cover: bytes | None, id3_version: int = 4) -> None:
    """As `catalog.tags.audio_tags.write_tags`; a file that breaks a limit raises TagError."""
    with _turn:
        try:
            _shared.write(path, tags, cover, id3_version)
        except Unreadable as error:
            raise TagError(str(error)) from error


def read_fields(path: str) -> Fields | None:
    """What the file's fields say, None where they cannot be read. OSError for the disk."""
    with _turn, suppress(Unreadable):
        return _shared.read_fields(path)
    return None


def change_fields(path: str, fields: Fields) -> None:
    """As `catalog.tags.tag_fields.change_fields`; a file that breaks a limit raises TagError."""
    with _turn:
        try:
            _shared.change_fields(path, fields)
        except Unreadable as error:
            raise TagError(str(error)) from error


def read_picture(path: str) -> bytes | None:
    """The picture in the file; None where there is none, or where it breaks a limit. OSError for the disk."""
    with _turn, suppress(Unreadable):
        return _shared.read_picture(path)
    return None


# --- The other process ------------------------------------------------------------------------------------


def serve() -> None:
    """Answer requests until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            request = marshal.load(sys.stdin.buffer)  # noqa: S302  our own parent
        except EOFError:
            return
        _limit_time()
        marshal.dump(_answer(*request), sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _limit_time() -> None:
    """Allow `SECONDS` more: the limit counts from the start of the process. Beyond it the kernel ends us."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(usage.ru_utime + usage.ru_stime) + SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _answer(kind: str, path: str, *rest: Any) -> tuple[str, Any]:
    try:
        if kind == READ:
            tags = audio_tags.read_tags(path)
            return "done", tags and asdict(tags)
        if kind == READ_FIELDS:
            return "done", tag_fields.read_fields(path)
        if kind == PICTURE:
            return "done", audio_tags.read_picture(path)
        if kind == CHANGE:
            tag_fields.change_fields(path, rest[0])
            return "done", None
        audio_tags.write_tags(path, TrackTags(**rest[0]), *rest[1:])
        return "done", None
    except (MemoryError, RecursionError):
        return "unreadable", None
    except TagError as error:
        return "tag error", str(error)
    except OSError as error:
        return "disk", (error.errno, error.strerror, path)


if __name__ == "__main__":
    serve()
