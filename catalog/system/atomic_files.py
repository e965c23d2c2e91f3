"""Files that are whole or not there: written beside their place, synced, then linked in or put in another's stead."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path

# How an operation that a filesystem does not know is refused (FAT, exFAT, some SMB and FUSE).
NOT_SUPPORTED = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.EMLINK}


def write_new(path: str, data: bytes, mode: int = 0o600, dir_fd: int | None = None) -> None:
    """Write ``data`` to ``path``, whole or not at all. FileExistsError: the name is taken, and stays what it is.

    ``path`` is relative to the folder ``dir_fd`` where one is given.
    """
    draft = _write_draft(path, data, mode, dir_fd)
    try:
        link_new(draft, path, dir_fd)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=dir_fd)


def write_over(path: str, data: bytes, mode: int = 0o600, dir_fd: int | None = None) -> None:
    """As `write_new`, in the stead of what has that name."""
    draft = _write_draft(path, data, mode, dir_fd)
    try:
        os.replace(draft, path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except OSError:
        with suppress(OSError):
            os.unlink(draft, dir_fd=dir_fd)
        raise


def _write_draft(path: str, data: bytes, mode: int, dir_fd: int | None) -> str:
    """A synced file beside ``path``, hidden from players, with a name that nobody else takes."""
    draft = os.path.join(os.path.dirname(path), f".tonekeep-{secrets.token_hex(8)}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=dir_fd)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if mode != 0o600:
                set_mode(descriptor, mode)
            os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.unlink(draft, dir_fd=dir_fd)
        raise
    return draft


def link_new(draft: str, path: str, dir_fd: int | None = None) -> None:
    """Give the finished file ``draft``, of the same filesystem, the name ``path``. FileExistsError: it is taken.

    ``draft`` may still be there afterwards. Raises OSError where the disk refuses.
    """
    try:
        os.link(draft, path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except FileExistsError:
        raise
    except OSError:  # a filesystem without hard links: whoever makes the empty file owns the name
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=dir_fd))
        os.replace(draft, path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)


def file_at(path: str) -> os.stat_result | None:
    """The regular file at ``path``; None where there is none. OSError where that cannot be known."""
    status = _lstat(path)
    return status if status and stat.S_ISREG(status.st_mode) else None


def file_size(path: str) -> int | None:
    """Bytes of the regular file at ``path``; None where there is none. OSError where that cannot be known."""
    status = file_at(path)
    return status.st_size if status else None


def is_folder(path: str) -> bool:
    """As os.path.isdir, which takes every error for a no; here only what is absent is."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def is_taken(path: str) -> bool:
    """As os.path.lexists, in the same way."""
    return _lstat(path) is not None


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def set_mode(file: str | int, mode: int) -> None:
    """Set the mode, where the filesystem has modes: on exFAT and many a share the mount says who may read."""
    try:
        os.chmod(file, mode)
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise


def sync_file(path: str) -> None:
    """Wait until the content of ``path`` would survive a power cut, where the filesystem can tell."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
    finally:
        os.close(descriptor)


def sync_folder(path: str) -> None:
    """As `sync_file`, for the names in a folder. Not every filesystem can; the files themselves are safe."""
    with suppress(OSError):
        sync_file(path)


def make_folders(root: str, relative: str, mode: int) -> None:
    """Make the folder ``relative`` of ``root`` and those between, each that is new with ``mode`` whatever the umask.

    Never ``root`` itself: a second library would grow under the mount point of a drive that has just gone.
    """
    if not is_folder(root):
        raise FileNotFoundError(errno.ENOENT, "The music folder is gone", root)
    path = root
    for name in relative.split("/") if relative else ():
        path = os.path.join(path, name)
        if is_folder(path):
            continue
        with suppress(FileExistsError):
            os.mkdir(path)
            set_mode(path, mode)


def remove_stale(folder: Path, seconds: float) -> None:
    """Remove the files of ``folder`` that were last written more than ``seconds`` ago; what the disk keeps stays."""
    with suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            with suppress(OSError):
                if time.time() - entry.stat().st_mtime > seconds:
                    os.unlink(entry.path)
