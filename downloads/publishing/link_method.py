"""How a file gets its name without overwriting anything, on filesystems that can do more or less of it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets

from catalog.models import Library
from catalog.storage import own_folders
from catalog.system.atomic_files import NOT_SUPPORTED as NOT_SUPPORTED  # for who asks what a refusal means
from catalog.system.failpoints import failpoint

WAYS = LINK, RENAME, PLACEHOLDER = "link", "rename", "placeholder"  # the best first

# What is of this moment, or of the whole disk: it would be no better with the next way of putting files in place.
OF_THE_MOMENT = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EEXIST, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EINTR),
}
# What a way can lack besides itself (`Library.lacks`).
FSYNC = "fsync"
RENAME_NOREPLACE = 1
AT_FDCWD = -100


def link_method(folder: str) -> str:
    """How this library's filesystem puts a file in place; found out once, in ``folder``, kept in the library's row."""
    library = Library.load()
    if library.publish_method:
        return library.publish_method
    method = probe_method(folder)
    lacks = [*WAYS[: WAYS.index(method)], *([] if can_sync(folder) else [FSYNC])]
    Library.objects.filter(pk=library.pk).update(publish_method=method, lacks=lacks)
    return method


def forget_method() -> None:
    """The library may lie on another filesystem now: the next track finds out again."""
    Library.objects.update(publish_method="")


def method_in(name: str) -> str:
    """As `link_method`, found out in a folder of ours (`catalog.storage.own_folders`), which is made where needed."""
    with own_folders.own_folder(name):
        return link_method(own_folders.path_of(name))


def probe_method(folder: str) -> str:
    """The best way that works between two names in ``folder``: a hard link, a rename that refuses, a placeholder.

    Found out by trying, whatever an error is called: rclone says EIO of links where others say "not supported". A way
    that fails is tried once more when a worse one has worked, so that a moment's trouble teaches nothing for good.
    Raises OSError where none works, or where the disk is full or read-only.
    """
    errors: list[OSError] = []
    for number, method in enumerate(WAYS):
        error = _try(folder, method)
        if error is None:
            again = [better for better in WAYS[:number] if _try(folder, better) is None]
            return again[0] if again else method
        if error.errno in OF_THE_MOMENT:
            raise error
        errors.append(error)
    raise errors[-1]


def _try(folder: str, method: str) -> OSError | None:
    """Put a small file in place; the error, or None where it worked."""
    unique = secrets.token_hex(8)  # in a container every start has the same process ids
    source, target = (os.path.join(folder, f".probe-{unique}-{name}") for name in ("a", "b"))
    try:
        with open(source, "w"):
            pass
        put_in_place(source, target, method)
    except OSError as error:
        return error
    finally:
        for path in (source, target):
            with contextlib.suppress(OSError):
                own_folders.unlink(path)
    return None


def can_sync(folder: str) -> bool:
    """Whether the filesystem writes a file through to the disk when asked to."""
    path = os.path.join(folder, f".probe-{secrets.token_hex(8)}-a")
    try:
        with open(path, "w") as file:
            file.write("x")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            own_folders.unlink(path)
    return True


def put_in_place(source: str, target: str, method: str) -> None:
    """Give ``source`` the name ``target``. FileExistsError where the name is taken; nothing is ever overwritten."""
    with own_folders.open_parent(source) as (here, old), own_folders.open_parent(target) as (there, new):
        if method == LINK:
            os.link(old, new, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
        elif method == RENAME:
            _rename_noreplace(old, here, new, there)
        else:
            _make_placeholder(new, there, placeholder_text(os.path.dirname(source)))
            failpoint("placeholder")
            os.replace(old, new, src_dir_fd=here, dst_dir_fd=there)


def _make_placeholder(name: str, folder: int | None, text: bytes) -> None:
    """Whoever makes the placeholder owns the name; replacing one's own overwrites nothing.

    It holds the name of the stage, so that recovery can tell it from somebody's file.
    """
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
    try:
        os.write(descriptor, text)
    except OSError:
        os.unlink(name, dir_fd=folder)  # still ours for certain: recovery removes whole marks only
        raise
    finally:
        os.close(descriptor)


def placeholder_text(stage: str) -> bytes:
    """What a placeholder holds for a file that comes from the folder ``stage``."""
    return f"Tonekeep is putting a file here: {os.path.basename(stage)}\n".encode()


def _rename_noreplace(old: str, here: int | None, new: str, there: int | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, "renameat2 is not known here")
    source = AT_FDCWD if here is None else here
    target = AT_FDCWD if there is None else there
    if libc.renameat2(source, os.fsencode(old), target, os.fsencode(new), RENAME_NOREPLACE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), new)
