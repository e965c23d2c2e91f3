"""Many rows without a queryset for each: `bulk_create` spends nine tenths of its time on making SQL of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import BooleanField, CharField, ForeignKey, IntegerField, Model, TextField

Prepare = Callable[[Any], Any]
PLAIN = (BooleanField, CharField, ForeignKey, IntegerField, TextField)


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """INSERT these rows of a model that nobody needs the ids of. ``columns`` are field names, foreign keys as ``x_id``.

    Every column without a database default must be among them: Python's defaults are not asked. Raises IntegrityError.
    """
    marks = ", ".join(["%s"] * len(columns))
    names = ", ".join(_names(model, columns))
    _execute(model, columns, rows, f"INSERT INTO {{table}} ({names}) VALUES ({marks})")  # noqa: S608  names of ours


def update(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """UPDATE these columns of rows by their ids: each of ``rows`` holds the values and, last, the id."""
    setting = ", ".join(f"{name} = %s" for name in _names(model, columns))
    _execute(model, [*columns, "id"], rows, f"UPDATE {{table}} SET {setting} WHERE id = %s")  # noqa: S608  names of ours


def _names(model: type[Model], columns: Sequence[str]) -> list[str]:
    """The columns as they are quoted in SQL."""
    fields = [model._meta.get_field(name) for name in columns]
    return [connection.ops.quote_name(str(field.column)) for field in fields]  # type: ignore[union-attr]


def reserve_ids(model: type[Model], count: int) -> Sequence[int]:
    """Ids for this many new rows, which nobody else gets: to be inserted in the same transaction."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sequence = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
            cursor.execute(sequence, [connection.ops.quote_name(table), count])
            return [pk for (pk,) in cursor.fetchall()]
        # SQLite has one writer at a time, and the transaction has been that one from its beginning (IMMEDIATE).
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        latest = (cursor.fetchone() or (0,))[0]
    return range(latest + 1, latest + 1 + count)


def _execute(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], statement: str) -> None:
    prepared = {place: prepare for place, name in enumerate(columns) if (prepare := _preparation(model, name))}
    values = [_prepared(row, prepared) for row in rows]
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(statement.format(table=connection.ops.quote_name(model._meta.db_table)), values)


def _preparation(model: type[Model], name: str) -> Prepare | None:
    """What a column's values have to go through; numbers, texts and flags go to the database as they are."""
    column = model._meta.get_field(name)
    if isinstance(column, PLAIN):
        return None
    # Mostly one moment for many rows. What is mutable cannot be remembered, and is no column's here.
    return lru_cache(8)(lambda value: column.get_db_prep_save(value, connection))  # type: ignore[union-attr]


def _prepared(row: Sequence[Any], prepared: dict[int, Prepare]) -> Sequence[Any]:
    if not prepared:
        return row
    values = list(row)
    for place, prepare in prepared.items():
        values[place] = prepare(values[place])
    return values
