"""A long write leaves the database to others now and then.

SQLite has one writer at a time, and those who wait look every 0.1 s whether the lock is free. Where one transaction
follows the other, it is free for less: they find it taken each time and give up after 20 s, though no transaction lasts
longer than one (measured: an import of 100,000 songs kept everybody from writing for 83 s). PostgreSQL locks rows.
"""

from __future__ import annotations

import time

from django.db import connection

STRETCH = 1.0  # seconds of writing without a pause
PAUSE = 0.15  # seconds; longer than those who wait sleep between two looks


class _Writing:
    """When this process's present stretch of writing began, and when it was last heard of."""

    began = latest = float("-inf")


def yield_write_lock() -> None:
    """To be called between two transactions of a long write; it costs nothing but after each second of writing."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    now = time.monotonic()
    if now - _Writing.latest > STRETCH:
        _Writing.began = now
    if now - _Writing.began >= STRETCH:
        time.sleep(PAUSE)
        now = _Writing.began = time.monotonic()
    _Writing.latest = now
