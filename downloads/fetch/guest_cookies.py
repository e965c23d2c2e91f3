"""The cookies of a guest, kept from one fetch to the next: a site takes a new guest for every song for a robot.

Nothing here fails a fetch. What a child wrote is taken as it is, up to a size: only other children read it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from catalog.system.atomic_files import write_over
from downloads.fetch.protocol import COOKIES, HOME, FetchRequest

LONGEST = 12 * 3600.0  # seconds that one guest lasts
LARGEST = 65_536  # bytes


def copy_to(request: FetchRequest) -> None:
    """Give the child the guest's cookies where there are some that are not too old."""
    kept = request.connection.guest_cookies
    if not kept:
        return
    with suppress(OSError):
        if not 0 <= time.time() - os.stat(kept).st_mtime <= LONGEST:
            os.unlink(kept)
            return
        _in_stage(request).write_bytes(Path(kept).read_bytes())


def keep(request: FetchRequest) -> None:
    """Take over what the child wrote; the guest's age counts from its first fetch."""
    kept = request.connection.guest_cookies
    if not kept or request.connection.cookies:
        return
    with suppress(OSError):
        descriptor = os.open(_in_stage(request), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            return
        born = os.stat(kept).st_mtime if os.path.exists(kept) else time.time()
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        write_over(kept, content)
        os.utime(kept, (born, born))


def forget(request: FetchRequest) -> None:
    """Come as another guest the next time."""
    with suppress(OSError):
        os.unlink(request.connection.guest_cookies)


def _in_stage(request: FetchRequest) -> Path:
    return Path(request.stage_dir, HOME, COOKIES)
