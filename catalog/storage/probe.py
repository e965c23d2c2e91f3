"""Looking at the root of the music folder. Changes nothing; judges nothing (`catalog.storage.state` does)."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from catalog.models import Library
from catalog.storage import own_folders
from catalog.storage.marker import MARKER, read_marker
from catalog.text.user_error import UserError

ACCEPT = "If this is meant to be so, accept the folder on the start page."
ANSWER_WITHIN = 20.0  # seconds; a folder that answers later is as good as none

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


class RootProblem(UserError):
    """The root cannot be trusted now. The text is a whole sentence for a person."""


@dataclass(frozen=True, slots=True)
class RootProbe:
    """What one look at the root saw. ``marker`` is "" where there is none; ``problem`` says why it cannot be used.

    ``foreign`` says why nothing may be staged: somebody else's folder has the staging folder's name.
    """

    problem: str = ""
    marker: str = ""
    writable: bool = True
    free_bytes: int | None = None
    free_inodes: int | None = None
    damaged: bool = False
    foreign: str = ""


class Root:
    """The opened root of a pass. Holds a descriptor, so that all looks of the pass go to the same folder."""

    def __init__(self, path: str, fd: int, marker: str) -> None:
        self.path, self.fd, self.marker = path, fd, marker

    def require(self) -> None:
        """Raises RootProblem unless the path still leads to this folder, with this marker. Asked before absences
        are written: a drive that went away in the middle of a pass must not empty the catalog."""
        try:
            by_path, by_fd = os.stat(self.path), os.fstat(self.fd)
            marker = read_marker(self.path)
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


def probe_root(path: str) -> RootProbe:
    """Look at the root, without changing anything."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
        marker = read_marker(path)
        space = _space(path)
        foreign = own_folders.problem_of(own_folders.STAGING, path)
    except OSError as error:
        return RootProbe(problem=_sentence(path, error))
    except ValueError:
        return RootProbe(problem=f"The marker file {path}/{MARKER} is damaged. {ACCEPT}", damaged=True)
    readonly = bool(space and space.f_flag & os.ST_RDONLY) or not os.access(path, os.W_OK | os.X_OK)
    free = space.f_bavail * space.f_frsize if space and space.f_blocks else None
    inodes = space.f_favail if space and space.f_files else None  # Btrfs, FAT and others have no number of their own
    return RootProbe("", marker, not readonly, free, inodes, foreign=foreign)


def _space(path: str) -> os.statvfs_result | None:
    """The disk's figures; None where it does not tell: a cloud drive that can be listed and read is there."""
    try:
        return os.statvfs(path)
    except OSError:
        os.listdir(path)  # a drive that has gone fails here too
        return None


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
    results: list[RootProbe] = []

    def run() -> None:
        results.append(work())
        _hanging.clear()

    thread = threading.Thread(target=run, name="look-at-storage", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        _hanging.set()
        if thread.is_alive():
            return hung
        _hanging.clear()  # it ended just now
    return results[0] if results else RootProbe(problem="The music folder could not be looked at.")
