"""How a file gets its name without overwriting anything, on filesystems that can do more or less of it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import stat

from django.conf import settings

from catalog.models import Host
from catalog.music.path_template import MAX_NAME
from catalog.storage import own_folders
from catalog.system.atomic_files import NOT_SUPPORTED as NOT_SUPPORTED  # for who asks what a refusal means
from catalog.system.atomic_files import is_folder
from catalog.system.failpoints import failpoint

WAYS = LINK, RENAME, PLACEHOLDER, COPY = "link", "rename", "placeholder", "copy"  # the best first

# What is of this moment, or of the whole disk: it would be no better with the next way of putting files in place.
OF_THE_MOMENT = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EEXIST, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EINTR),
}
# What a mount can lack besides ways (`Host.lacks`).
FSYNC, UNICODE, LONG_NAMES = "fsync", "unicode", "long_names"
RENAME_NOREPLACE = 1
AT_FDCWD = -100
COPY_AT_ONCE = 1 << 20  # bytes


def link_method(folder: str) -> str:
    """How this host's mount of the library puts a file in place; found out once, in ``folder``, kept in its row."""
    host = Host.own()
    if host.publish_method:
        return host.publish_method
    method = probe_method(folder)
    lacks = [*WAYS[: WAYS.index(method)], *([] if can_sync(folder) else [FSYNC]), *refused_names(folder)]
    Host.objects.filter(pk=host.pk).update(publish_method=method, lacks=lacks)
    return method


def forget_method() -> None:
    """The library may lie on another filesystem now: the next track finds out again."""
    Host.objects.filter(name=settings.HOST_NAME).update(publish_method="")


def method_in(name: str) -> str:
    """As `link_method`, found out in a folder of ours (`catalog.storage.own_folders`), which is made where needed."""
    with own_folders.own_folder(name):
        return link_method(own_folders.path_of(name))


def probe_method(folder: str) -> str:
    """The best way that works between two names in ``folder``: a hard link, a rename that refuses, a placeholder that
    a rename replaces, or one that is filled with the file's content.

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
        with open(source, "w") as file:
            file.write("x")
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


def refused_names(folder: str) -> list[str]:
    """Which names that songs have the filesystem refuses: letters of all scripts, 255 bytes."""
    probe = f".probe-{secrets.token_hex(8)}-a"
    return [
        lack
        for lack, name in ((UNICODE, f"{probe}Ж中"), (LONG_NAMES, probe.ljust(MAX_NAME, "a")))
        if not _takes_name(os.path.join(folder, name))
    ]


def _takes_name(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        return error.errno in OF_THE_MOMENT
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
        elif method == COPY:
            _copy(old, here, new, there, os.path.dirname(source))
        else:
            _make_placeholder(new, there, placeholder_text(os.path.dirname(source)))
            failpoint("placeholder")
            os.replace(old, new, src_dir_fd=here, dst_dir_fd=there)


def put_on_any_drive(source: str, target: str, method: str) -> None:
    """As `put_in_place`; by a copy where the target's folder is on a drive of its own, into which no link leads."""
    try:
        put_in_place(source, target, method)
    except OSError as error:
        if error.errno != errno.EXDEV or method not in (LINK, RENAME):
            raise
        put_in_place(source, target, COPY)


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


def _copy(old: str, here: int | None, new: str, there: int | None, stage: str) -> None:
    """Copy ``old`` into a placeholder, for a mount that can write and no more. Its first bytes, the mark, go last.

    So it is a placeholder until all else is written through, and is never taken for the file before it is whole. From
    who is late recovery takes away the stage, or its name in the library where it lies on our own disk.
    """
    mark = placeholder_text(stage)
    with open(os.open(old, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=here), "rb") as source:
        before = os.fstat(source.fileno())
        _make_placeholder(new, there, mark)
        failpoint("placeholder")
        descriptor = os.open(new, os.O_RDWR | os.O_NOFOLLOW, dir_fd=there)
        with open(descriptor, "r+b", buffering=0) as target:
            if target.read(len(mark)) != mark:
                raise FileExistsError(errno.EEXIST, "Another file has taken the placeholder's name", new)
            first = source.read(len(mark))
            shutil.copyfileobj(source, target, COPY_AT_ONCE)
            os.fsync(descriptor)
            failpoint("copied")
            if not _is_staged(old, here, stage):
                if os.path.samestat(os.fstat(descriptor), os.stat(new, dir_fd=there, follow_symlinks=False)):
                    os.unlink(new, dir_fd=there)
                raise FileNotFoundError(errno.ENOENT, "The stage was taken away", stage)
            os.pwrite(descriptor, first, 0)
            os.ftruncate(descriptor, before.st_size)
            with contextlib.suppress(OSError):  # the mount may not know modes or times of its own
                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
            with contextlib.suppress(OSError):
                os.utime(descriptor, ns=(before.st_atime_ns, before.st_mtime_ns))
            os.fsync(descriptor)


def _is_staged(name: str, folder: int | None, stage: str) -> bool:
    """Whether nobody has taken the stage away from us."""
    if stage == local_stage(os.path.basename(stage)):
        return _is_fence(os.path.basename(stage))
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def local_stage(name: str) -> str:
    """Where a stage's files lie on this host's own disk, where its mount of the library cannot rename."""
    return os.path.join(settings.DATA_DIR, "stage", name)


def _is_fence(name: str) -> bool:
    return is_folder(os.path.join(own_folders.path_of(own_folders.STAGING), name))


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
