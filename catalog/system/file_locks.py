"""Work that must not run twice at the same time, also in another process: sync, reconcile, a token's refresh.

Locks are `flock`s on files in DATA_DIR, which every process of an installation shares. The kernel drops them when their
process ends, however it ends: there is nothing to clean up after a crash.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


@contextmanager
def try_lock(name: str) -> Iterator[bool]:
    """Hold the lock called ``name``. Yields False at once, without it, where somebody else holds it."""
    with _lock_file(name) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the lock called ``name``; waits while somebody else holds it. For work of a few seconds."""
    with _lock_file(name) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def _lock_file(name: str) -> Iterator[int]:
    """An open descriptor; closing it drops the lock. Not inherited by child processes (PEP 446)."""
    folder = settings.DATA_DIR / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
