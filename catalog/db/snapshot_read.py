"""Several reads of one moment of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def snapshot_read() -> Iterator[None]:
    """All reads inside see the same moment of the database; no lock is taken that a writer would wait for.

    `atomic` alone would not do: on SQLite it is IMMEDIATE here and queues behind the writers, on PostgreSQL each
    statement would see its own moment. Inside a transaction that is already open nothing is changed.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
