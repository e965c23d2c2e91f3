"""The music folder as a whole: is it there, is it ours, may it be written to. Unknown is not absent.

A marker file with a UUID stands in the root, and the same UUID in the database. A drive that is not mounted leaves an
empty mount point behind, without the marker: the library is then *offline*, no row changes, nothing is written under
the mount point, and it heals by itself when the drive returns. `check` looks at the disk and writes down what it saw;
`current` reads rows only, so that no page can hang on a hung drive.
"""

from __future__ import annotations

import errno
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from catalog.models import Folder, Library, Service, Track

MARKER = ".tonekeep"
MARKER_TEXT = "{uuid}\nThis file tells Tonekeep that its music folder is really here. Please leave it where it is.\n"
WRITE_EVERY = timedelta(seconds=10)  # how often an unchanged state is written down again
ANSWER_WITHIN = 20.0  # seconds; a folder that answers later is as good as none

# What is said of a state, and what a person may do about it.
ONLINE, OFFLINE, HELD, FULL, READONLY = "online", "offline", "held", "full", "readonly"
ACCEPT = "If this is meant to be so, accept the folder on the status page or run `manage.py reconcile --accept-root`."

# Errors that a person knows by other words.
WORDS = {
    errno.ENOENT: "is not there",
    errno.ENOTDIR: "is not a folder",
    errno.EACCES: "may not be read by this program",
    errno.EPERM: "may not be read by this program",
    errno.EIO: "cannot be read (input/output error)",
    errno.ESTALE: "is a network folder whose server has forgotten it; mount it again",
    errno.ENOTCONN: "is a mount whose other end is gone; mount it again",
    errno.ETIMEDOUT: "does not answer",
    errno.EHOSTDOWN: "is on a host that is down",
}


@dataclass(frozen=True, slots=True)
class StorageState:
    """What is known of the music folder. ``state`` is one of the five words above, ``reason`` "" or a sentence."""

    state: str
    reason: str
    root: str
    may_read: bool = True

    @property
    def may_write(self) -> bool:
        """Whether a worker may fetch into it."""
        return self.state == ONLINE


class RootProblem(Exception):
    """The root cannot be trusted now. The text is a whole sentence for a person."""


@dataclass(frozen=True, slots=True)
class RootProbe:
    """What one look at the root saw. ``marker`` is "" where there is none; ``problem`` says why it cannot be used."""

    problem: str = ""
    marker: str = ""
    writable: bool = True
    free_bytes: int | None = None
    damaged: bool = False


# --- Looking at the disk ----------------------------------------------------------------------------------


class Root:
    """The opened root of a pass. Holds a descriptor, so that all looks of the pass go to the same folder."""

    def __init__(self, path: str, fd: int, marker: str) -> None:
        self.path, self.fd, self.marker = path, fd, marker

    def require(self) -> None:
        """Raises RootProblem unless the path still leads to this folder, with this marker. Asked before absences
        are written: a drive that went away in the middle of a pass must not empty the catalog."""
        try:
            by_path, by_fd = os.stat(self.path), os.fstat(self.fd)
            marker = _read_marker(self.path)
        except OSError as error:
            raise RootProblem(_sentence(self.path, error)) from error
        except ValueError as error:
            raise RootProblem(f"The marker file {self.path}/{MARKER} is damaged.") from error
        if (by_path.st_dev, by_path.st_ino) != (by_fd.st_dev, by_fd.st_ino) or marker != self.marker:
            raise RootProblem(f"The music folder {self.path} was changed for another one while it was looked at.")


@contextmanager
def open_root(path: str) -> Iterator[Root]:
    """Open the root at ``path`` for a pass. Raises RootProblem where it is not the registered library."""
    library = Library.load()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise RootProblem(_sentence(path, error)) from error
    try:
        root = Root(path, fd, library.root_uuid)
        root.require()
        yield root
    finally:
        os.close(fd)


def look(path: str) -> RootProbe:
    """Look at the root, without changing anything."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
        marker = _read_marker(path)
        space = os.statvfs(path)
    except OSError as error:
        return RootProbe(problem=_sentence(path, error))
    except ValueError:
        return RootProbe(problem=f"The marker file {path}/{MARKER} is damaged. {ACCEPT}", damaged=True)
    readonly = bool(space.f_flag & os.ST_RDONLY) or not os.access(path, os.W_OK | os.X_OK)
    return RootProbe("", marker, not readonly, space.f_bavail * space.f_frsize if space.f_blocks else None)


def _read_marker(path: str) -> str:
    """The UUID in the marker, "" where there is no marker. Raises OSError, and ValueError for another content."""
    try:
        fd = os.open(os.path.join(path, MARKER), os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return ""
    try:
        text = os.read(fd, 4096)
    finally:
        os.close(fd)
    return str(uuid.UUID(text.split(b"\n", 1)[0].strip().decode("ascii", "replace")))


def _sentence(path: str, error: OSError) -> str:
    words = WORDS.get(error.errno or 0) or f"cannot be used ({error.strerror or 'unknown error'})"
    return f"The music folder {path} {words}."


_hanging = threading.Event()


def call_with_timeout(seconds: float, work: Callable[[], RootProbe]) -> RootProbe:
    """``work``, or a problem if it has not ended within ``seconds``: a call into a hung drive cannot be interrupted.

    The thread stays behind until the drive answers; until then no second one is sent after it.
    """
    hung = RootProbe(problem=f"The music folder has not answered for {seconds:.0f} seconds.")
    if _hanging.is_set():
        return hung
    seen: list[RootProbe] = []

    def run() -> None:
        seen.append(work())
        _hanging.clear()

    thread = threading.Thread(target=run, name="look-at-storage", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        _hanging.set()
        if thread.is_alive():
            return hung
        _hanging.clear()  # it ended just now
    return seen[0] if seen else RootProbe(problem="The music folder could not be looked at.")


# --- What it means ----------------------------------------------------------------------------------------


def check(now: datetime) -> StorageState:
    """Look at MUSIC_DIR, register or take over what may be, and write the state into the rows that pages read.

    Safe to call at any time, from any process that is not answering a page.
    """
    path, library = settings.MUSIC_DIR, Library.load()
    if not settings.MUSIC_DIR_NAMED and not library.root_uuid:
        with suppress(OSError):  # what is wrong with it is found out and said below
            os.makedirs(path, exist_ok=True)
    sight = call_with_timeout(ANSWER_WITHIN, lambda: look(path))
    if not sight.problem and not library.root_uuid:
        sight = _register(path, sight)
        library.refresh_from_db()
    seen = judge(path, sight, library)
    _write_down(seen, sight, library, now)
    return replace(current(), may_read=seen.may_read)


def inspect() -> StorageState:
    """The state as `check` would find it, changing nothing at all: for dry runs."""
    library = Library.objects.filter(pk=1).first() or Library()
    seen = judge(settings.MUSIC_DIR, call_with_timeout(ANSWER_WITHIN, lambda: look(settings.MUSIC_DIR)), library)
    return _with_hold(seen, library)


def judge(path: str, sight: RootProbe, library: Library) -> StorageState:
    """The state of the disk that follows from a look and the library's row. Changes nothing."""
    if not sight.problem and not library.root_uuid:
        reason = f"The music folder {path} may not be written to, so it cannot become the library. Check its rights."
        return StorageState(READONLY, reason, path, may_read=False)
    problem = sight.problem or _whose(path, sight.marker, library)
    if problem:
        return StorageState(OFFLINE, problem, path, may_read=False)
    if not sight.writable:
        return StorageState(READONLY, f"The music folder {path} may not be written to. Check its rights.", path)
    if sight.free_bytes is not None and sight.free_bytes < settings.MIN_FREE_BYTES:
        free, floor = sight.free_bytes / 1e9, settings.MIN_FREE_BYTES / 1e9
        return StorageState(FULL, f"{free:.1f} GB are free on the music folder's disk, less than {floor:g} GB.", path)
    return StorageState(ONLINE, "", path)


def _with_hold(seen: StorageState, library: Library) -> StorageState:
    """A hold is the catalog's own: it lies over every state of a disk that is there."""
    if seen.state == OFFLINE or not library.held_since:
        return seen
    return StorageState(HELD, library.held_reason, seen.root)


def _whose(path: str, marker: str, library: Library) -> str:
    """Why the folder at ``path`` is not this catalog's library; "" if it is."""
    if not marker:
        return f"The music folder {path} has no {MARKER} file: its drive is probably not mounted. {ACCEPT}"
    if marker != library.root_uuid:
        return f"The music folder {path} belongs to another catalog. {ACCEPT}"
    if library.root_path != path:
        return (
            f"The music folder is now at {path}, but the catalog has it at {library.root_path}. "
            f"If it has moved, run `manage.py relocate {path}`."
        )
    return ""


def _register(path: str, sight: RootProbe) -> RootProbe:
    """A first meeting: take over the marker that is there, or set one. Marker first, so that a crash between the two
    leaves a marker that the next look takes over."""
    marker = sight.marker
    if not marker:
        try:
            marker = _set_marker(path, str(uuid.uuid4()))
        except OSError as error:
            if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
                return RootProbe("", "", False, sight.free_bytes)
            return RootProbe(problem=f"The music folder {path} cannot be marked as the library: {error.strerror}.")
        except ValueError:
            return RootProbe(problem=f"The marker file {path}/{MARKER} is damaged. {ACCEPT}")
    Library.objects.filter(pk=1, root_uuid="").update(root_uuid=marker, root_path=path)
    return RootProbe("", marker, sight.writable, sight.free_bytes)


def _set_marker(path: str, new: str) -> str:
    """Put a whole marker in place, or keep the one that another process put there first. The UUID that counts."""
    draft, final = os.path.join(path, f"{MARKER}-{new}"), os.path.join(path, MARKER)
    text = MARKER_TEXT.format(uuid=new)
    try:
        _write_whole(draft, text)
        try:
            os.link(draft, final)  # never overwrites, and never shows half a file
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
                raise
            _write_whole(final, text)  # a filesystem without hard links
        return new
    except FileExistsError:
        return _read_marker(path)
    finally:
        with suppress(OSError):
            os.unlink(draft)


def _write_whole(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.write(fd, text.encode())
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_down(seen: StorageState, sight: RootProbe, library: Library, now: datetime) -> None:
    """Into the row that pages and workers read; an unchanged state only every `WRITE_EVERY`.

    What a worker met (a quota, a failing disk) and paused for is not seen from here: its words stand until its pause
    ends. A library that is offline needs no pause beside: it heals as soon as it is seen again.
    """
    service = Service.objects.named("storage")
    changes: dict[str, Any] = {"state": seen.state, "reason": seen.reason}
    if seen.state == OFFLINE:
        changes["paused_until"] = None
    elif service.paused_until and service.paused_until > now:
        changes = {}
    stale = service.checked_at is None or abs(now - service.checked_at) >= WRITE_EVERY
    if stale or any(getattr(service, name) != value for name, value in changes.items()):
        Service.objects.filter(pk="storage").update(**changes, checked_at=now)
        if sight.free_bytes not in {None, library.free_bytes}:
            Library.objects.filter(pk=1).update(free_bytes=sight.free_bytes)


def current() -> StorageState:
    """What the last look said, from the rows alone: fit for pages."""
    service = Service.objects.filter(pk="storage").first() or Service(name="storage")
    return as_written(service, Library.objects.filter(pk=1).first() or Library())


def as_written(service: Service, library: Library) -> StorageState:
    """What these rows say; the same as `current` for who has read them already."""
    root = settings.MUSIC_DIR
    if service.checked_at is None:
        return StorageState(OFFLINE, "The music folder has not been looked at yet.", root, may_read=False)
    state = service.state if service.state in {OFFLINE, FULL, READONLY} else ONLINE
    seen = StorageState(state, service.reason if state != ONLINE else "", root, may_read=state != OFFLINE)
    return _with_hold(seen, library)


# --- What a person decides --------------------------------------------------------------------------------


def accept_root(now: datetime) -> StorageState:
    """A person says: the folder at MUSIC_DIR is the library, whatever it was before. Rows stay until a pass.

    Takes over the folder's marker or sets a new one; no stamp is believed any more. Raises RootProblem where there is
    no folder to accept.
    """
    path = settings.MUSIC_DIR
    sight = call_with_timeout(ANSWER_WITHIN, lambda: look(path))
    if sight.problem and not sight.damaged:
        raise RootProblem(sight.problem)
    try:
        if sight.damaged:
            os.unlink(os.path.join(path, MARKER))
        marker = sight.marker or _set_marker(path, str(uuid.uuid4()))
    except OSError as error:
        raise RootProblem(f"The music folder {path} cannot be marked as the library: {error.strerror}.") from error
    Folder.objects.filter(mtime_ns__isnull=False).update(mtime_ns=None)
    Library.objects.filter(pk=1).update(root_uuid=marker, root_path=path)
    return check(now)


def hold(count: int, total: int, now: datetime) -> None:
    """Fetching waits for a person: ``count`` of ``total`` files are gone at once. A hold that stands keeps its date."""
    reason = (
        f"{count} of {total} files are gone at once. Put them back, or accept it on the status page or with "
        "`manage.py reconcile --accept-missing`; then they are fetched again."
    )
    library = Library.load()
    Library.objects.filter(pk=1).update(held_since=library.held_since or now, held_reason=reason)


def release_hold() -> None:
    """The files are back, or a person accepts that they are gone: fetching goes on."""
    Library.objects.filter(pk=1).update(held_since=None, held_reason="")


def still_gone(since: datetime) -> tuple[int, int]:
    """(files that vanished since then and are not back, files the catalog had with them)."""
    gone = Track.objects.filter(status=Track.Status.MISSING, retry_after__gte=since).exclude(local_path="").count()
    return gone, gone + Track.objects.filter(status=Track.Status.DOWNLOADED).count()
