"""How a file gets its name without overwriting anything, on filesystems that can do more or less of it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import stat

from catalog.system.failpoints import failpoint

LINK, RENAME, PLACEHOLDER = "link", "rename", "placeholder"

# How an operation that a filesystem does not know is refused (FAT, exFAT, some SMB and FUSE).
NOT_SUPPORTED = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.EMLINK}
# What says nothing about a way of putting files in place: it would be no better with the next one.
NOT_OF_THE_METHOD = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN),
    *(errno.ETIMEDOUT, errno.ENOENT, errno.EEXIST, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EINTR),
}
RENAME_NOREPLACE = 1
AT_FDCWD = -100


def probe_method(folder: str) -> str:
    """The best way that works between two names in ``folder``: a hard link, a rename that refuses, a placeholder.

    Raises OSError where the disk fails for another reason: a full disk must not teach us a worse way for good.
    """
    unique = secrets.token_hex(8)  # in a container every start has the same process ids
    source, target = (os.path.join(folder, f".probe-{unique}-{name}") for name in ("a", "b"))
    try:
        for method in (LINK, RENAME):
            with open(source, "w"):
                pass
            try:
                put_in_place(source, target, method)
                return method
            except OSError as error:
                if error.errno in NOT_OF_THE_METHOD:
                    raise
        return PLACEHOLDER
    finally:
        for path in (source, target):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def file_at(path: str) -> os.stat_result | None:
    """The regular file at ``path``; None where there is none. OSError where that cannot be known."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def put_in_place(source: str, target: str, method: str) -> None:
    """Give ``source`` the name ``target``. FileExistsError where the name is taken; nothing is ever overwritten."""
    if method == LINK:
        os.link(source, target, follow_symlinks=False)
    elif method == RENAME:
        _rename_noreplace(source, target)
    else:
        _replace_placeholder(source, target)


def _replace_placeholder(source: str, target: str) -> None:
    """Whoever makes the placeholder owns the name; replacing one's own overwrites nothing.

    It holds the name of the stage, so that recovery can tell it from somebody's file.
    """
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        os.write(descriptor, mark_of(os.path.dirname(source)))
    except OSError:
        os.unlink(target)  # still ours for certain: recovery removes whole marks only
        raise
    finally:
        os.close(descriptor)
    failpoint("placeholder")
    os.replace(source, target)


def mark_of(stage: str) -> bytes:
    """What a placeholder holds for a file that comes from the folder ``stage``."""
    return f"Tonekeep is putting a file here: {os.path.basename(stage)}\n".encode()


def _rename_noreplace(source: str, target: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, "renameat2 is not known here")
    if libc.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), RENAME_NOREPLACE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)
