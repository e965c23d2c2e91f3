"""One at a time brings the catalog in line with a source: a sync and an import beside it would make one track twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection

from catalog.system.file_locks import lock

KEY = 0x746F6E65  # any number that is always the same


@contextmanager
def one_writer() -> Iterator[None]:
    """Wait for the others, then be the one: by a file lock on this host, on PostgreSQL by an advisory lock for all.

    It belongs to the session through which everything is written that it guards: who is cut off writes nothing.
    """
    with lock("replace"):
        if connection.vendor == "sqlite":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [KEY])
        try:
            yield
        finally:
            with suppress(DatabaseError), connection.cursor() as cursor:  # a session that has ended holds nothing
                cursor.execute("SELECT pg_advisory_unlock(%s)", [KEY])
