"""The marker file in the root of the music folder: a UUID that the database has as well."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import suppress

MARKER = ".tonekeep"
MARKER_TEXT = "{uuid}\nThis file tells Tonekeep that its music folder is really here. Please leave it where it is.\n"


def read_marker(path: str) -> str:
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


def set_marker(path: str, new: str) -> str:
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
        return read_marker(path)
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
