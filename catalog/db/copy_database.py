"""Copy the whole database into another, empty one: from SQLite to PostgreSQL, or back.

Rows are copied table by table in the order of their keys, a batch in a transaction, and are compared row by row at the
end. A table of progress in the target tells a copy that was cut short from a database of somebody else: the same copy
goes on behind the last key that arrived. What django-q2 keeps is left behind (wake-ups without payload, a schedule
that every start makes anew), and so are the rows of clusters that run.

Nothing may write to the source meanwhile; `copy_database` holds its write lock (SQLite) or reads one snapshot of it
(PostgreSQL).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import zip_longest
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DataError, Error, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import IntegerField, Model
from django.db.utils import load_backend

from catalog.db.database_settings import UnusableAddress, database_settings
from catalog.system.command_line import command
from catalog.text.user_error import UserError

SOURCE, TARGET = "default", "copy_target"
BATCH = 2000  # rows of one statement and transaction, fewer where the database allows fewer parameters
PROGRESS_TABLE = "tonekeep_copy"
PREPARING, COPYING = "preparing", "copying"
LEFT_BEHIND = {"django_q", "catalog.cluster"}  # app labels and models

Progress = Callable[[int, int], None]


class CannotCopy(UserError):
    """The copy was not begun or not ended: one sentence that says why and what to do next."""


@dataclass(frozen=True, slots=True)
class CopyReport:
    """``rows`` of ``tables`` are equal in both databases; ``resumed`` of them had arrived before."""

    tables: int
    rows: int
    resumed: int
    seconds: float


def copy_database(url: str, on_progress: Progress = lambda done, total: None) -> CopyReport:
    """Copy every row of the present database into the one at ``url`` and compare them. Raises CannotCopy.

    ``on_progress`` is called with (rows copied, rows in all). The source is not changed.
    """
    began = time.monotonic()
    with _target(url), _quiet_source():
        _require_migrated()
        _prepare_target()
        models = _models()
        total = sum(model._base_manager.using(SOURCE).count() for model in models)
        copied = resumed = 0
        for model in models:
            for number, is_new in _copy_rows(model):
                copied, resumed = copied + number, resumed + (0 if is_new else number)
                on_progress(copied, total)
        rows = sum(_compare(model) for model in models)
        _finish_target(models)
    return CopyReport(len(models), rows, resumed, round(time.monotonic() - began, 2))


# --- The two databases ------------------------------------------------------------------------------------


@contextmanager
def _target(url: str) -> Iterator[None]:
    """Django's connection `TARGET` leads to ``url`` inside."""
    try:
        database = connections.configure_settings({SOURCE: {}, TARGET: database_settings(url)})[TARGET]
    except UnusableAddress as error:
        raise CannotCopy(str(error)) from error
    connections[TARGET] = load_backend(database["ENGINE"]).DatabaseWrapper(database, TARGET)
    try:
        if _name(SOURCE) == _name(TARGET):
            raise CannotCopy("That is the database in use; name another one.")
        with _as_sentence():
            connections[TARGET].ensure_connection()
            yield
    finally:
        connections[TARGET].close()
        del connections[TARGET]


def _name(alias: str) -> tuple[str, ...]:
    database = connections[alias].settings_dict
    return tuple(str(database[part]) for part in ("ENGINE", "NAME", "HOST", "PORT"))


@contextmanager
def _as_sentence() -> Iterator[None]:
    """A database's refusal as CannotCopy, without the address: a password may be in it."""
    try:
        yield
    except Error as error:
        line = str(error).strip().split("\n", 1)[0].rstrip(".")
        raise CannotCopy(f"The database refused: {line}. Run the same command again to go on.") from error


@contextmanager
def _quiet_source() -> Iterator[None]:
    with transaction.atomic(using=SOURCE):  # SQLite: BEGIN IMMEDIATE, so that no other process writes
        if connections[SOURCE].vendor == "postgresql":
            with connections[SOURCE].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _require_migrated() -> None:
    executor = MigrationExecutor(connections[SOURCE])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotCopy(f"The present database is of an older version: run `{command('migrate')}` first.")


# --- The target before and after --------------------------------------------------------------------------


def _prepare_target() -> None:
    """Make the target's tables, empty, and write down that they are ours; or go on with an earlier copy."""
    connection = connections[TARGET]
    tables = connection.introspection.table_names()
    if PROGRESS_TABLE not in tables:
        if tables:
            raise CannotCopy("The other database is not empty; name an empty one. Nothing was changed in it.")
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {PROGRESS_TABLE} (source varchar(500), state varchar(20))")
            cursor.execute(f"INSERT INTO {PROGRESS_TABLE} VALUES (%s, %s)", ["/".join(_name(SOURCE)), PREPARING])  # noqa: S608
    source, state = _progress()
    if source != "/".join(_name(SOURCE)):
        raise CannotCopy("The other database holds a part of another copy; name an empty one.")
    if state == PREPARING:
        call_command("migrate", database=TARGET, interactive=False, verbosity=0)
        _clear_target()
        _set_state(COPYING)


def _progress() -> tuple[str, str]:
    with connections[TARGET].cursor() as cursor:
        cursor.execute(f"SELECT source, state FROM {PROGRESS_TABLE}")  # noqa: S608
        row: tuple[str, str] = cursor.fetchone()
        return row


def _set_state(state: str) -> None:
    with connections[TARGET].cursor() as cursor:
        cursor.execute(f"UPDATE {PROGRESS_TABLE} SET state = %s", [state])  # noqa: S608


def _clear_target() -> None:
    """Delete the rows that migrations made (permissions, content types): the source's have their own keys."""
    for model in reversed(_models()):
        rows = model._base_manager.using(TARGET).order_by()
        rows._raw_delete(TARGET)


def _finish_target(models: Sequence[type[Model]]) -> None:
    connection = connections[TARGET]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(statement)
        cursor.execute(f"DROP TABLE {PROGRESS_TABLE}")


# --- Rows -------------------------------------------------------------------------------------------------


def _models() -> list[type[Model]]:
    """Every table with rows of ours, also those between many and many; what a row points at comes before it."""
    models = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and not model._meta.proxy
        and not LEFT_BEHIND & {model._meta.app_label, model._meta.label_lower}
    ]
    before = {
        model: {
            field.related_model
            for field in model._meta.local_concrete_fields
            if field.is_relation and field.related_model in models and field.related_model is not model
        }
        for model in models
    }
    return list(TopologicalSorter(before).static_order())


def _copy_rows(model: type[Model]) -> Iterator[tuple[int, bool]]:
    """Copy what the target lacks; (number of rows, whether they are new) after each batch.

    Behind the last key where keys are numbers; text is sorted differently by each database, and such a table is small.
    """
    target = model._base_manager.using(TARGET)
    last = None
    if isinstance(model._meta.pk, IntegerField):
        last = target.order_by("-pk").values_list("pk", flat=True).first()
    else:
        target.order_by()._raw_delete(TARGET)
    if last is not None:
        yield model._base_manager.using(SOURCE).filter(pk__lte=last).count(), False
    fields = list(model._meta.local_concrete_fields)
    while rows := _page(model, SOURCE, last):
        size = max(1, connections[TARGET].ops.bulk_batch_size(fields, rows))
        with transaction.atomic(using=TARGET):
            for start in range(0, len(rows), size):
                _insert(model, fields, rows[start : start + size])
        last = rows[-1].pk
        yield len(rows), True


def _page(model: type[Model], alias: str, last: Any) -> list[Model]:
    rows = model._base_manager.using(alias).order_by("pk")
    return list((rows if last is None else rows.filter(pk__gt=last))[:BATCH])


def _insert(model: type[Model], fields: list[Any], rows: Sequence[Model]) -> None:
    """Insert rows as they are (``raw``: no field's ``pre_save``). Raises CannotCopy naming a row that does not fit."""
    insert = model._base_manager.using(TARGET)._insert  # type: ignore[attr-defined]
    try:
        with transaction.atomic(using=TARGET):
            insert(rows, fields=fields, using=TARGET, raw=True)
    except DataError as error:
        if len(rows) > 1:
            for row in rows:
                _insert(model, fields, [row])
            return
        raise CannotCopy(f"Row {rows[0].pk} of {model._meta.db_table} does not fit: {error}") from error


def _compare(model: type[Model]) -> int:
    """How many rows the table has in both databases. Raises CannotCopy where they differ; the next try begins anew."""
    rows = 0
    for one, other in zip_longest(_values(model, SOURCE), _values(model, TARGET)):
        if one != other:
            _set_state(PREPARING)
            raise CannotCopy(f"{model._meta.db_table} differs in the copy; run the same command again to copy anew.")
        rows += 1
    return rows


def _values(model: type[Model], alias: str) -> Iterable[tuple[Any, ...]]:
    """All columns of all rows, the key first; in the order of the keys, text as Python sorts it."""
    columns = [field.attname for field in model._meta.local_concrete_fields if not field.primary_key]
    rows = model._base_manager.using(alias).order_by("pk").values_list("pk", *columns)
    return rows.iterator(BATCH) if isinstance(model._meta.pk, IntegerField) else sorted(rows, key=lambda row: row[0])
