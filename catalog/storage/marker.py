"""The marker file in the root of the music folder: a UUID that the database has as well."""

from __future__ import annotations

import os
import uuid

from catalog.system.atomic_files import write_new

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
    try:
        write_new(os.path.join(path, MARKER), MARKER_TEXT.format(uuid=new).encode(), 0o644)
        return new
    except FileExistsError:
        return read_marker(path)
