"""Many rows without a queryset for each: `bulk_create` spends nine tenths of its time on making SQL of objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model


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


def _execute(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], statement: str) -> None:
    prepare = [model._meta.get_field(name).get_db_prep_save for name in columns]  # type: ignore[union-attr]
    values = [tuple(f(value, connection) for f, value in zip(prepare, row, strict=True)) for row in rows]
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(statement.format(table=connection.ops.quote_name(model._meta.db_table)), values)
