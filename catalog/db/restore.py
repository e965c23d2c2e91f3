"""Put a backup in the place of the present database, which is kept as a file beside it.

SQLite: the backup is written over the database by SQLite's own backup API, in one transaction; a crash leaves the
database as it was. PostgreSQL: `pg_restore` in a single transaction. Nothing may use the database meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from catalog.db.backup import CannotBackUp, backup
from catalog.db.postgres_tools import ToolFailed, pg_restore
from catalog.text.user_error import UserError

NOT_A_BACKUP = "{} is no backup of Tonekeep: the page Maintenance makes one."


class CannotRestore(UserError):
    """The present database is as it was: one sentence that says why and what to do next."""


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """The backup, where the database of before is kept ("" where there was none), and how many tracks there are now."""

    path: str
    kept: str
    tracks: int


def restore(source: str, now: datetime) -> RestoreReport:
    """Make the backup ``source`` the present database, and migrate it to this version. Raises CannotRestore."""
    path = os.path.abspath(os.path.expanduser(source))
    if not os.path.isfile(path):
        raise CannotRestore(f"There is no file {path}.")
    if connection.vendor == "sqlite":
        _require_sound(path)
        copy = _keep_present(now)
        _overwrite(path)
    else:
        copy = _keep_present(now)
        try:
            pg_restore(connection.settings_dict, path)
        except ToolFailed as error:
            raise CannotRestore(f"The backup could not be restored: {error}") from error
    connection.close()
    call_command("migrate", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM catalog_track")
        (tracks,) = cursor.fetchone()
    return RestoreReport(path, copy, int(tracks))


def _require_sound(path: str) -> None:
    """Raises CannotRestore unless ``path`` is a whole catalog of this version or an older one."""
    try:
        with closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)) as database:
            if (result := database.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                raise CannotRestore(f"{path} is damaged ({result}): take another backup.")
            database.execute("SELECT COUNT(*) FROM catalog_track").fetchone()
            applied = set(database.execute("SELECT app, name FROM django_migrations"))
    except sqlite3.Error as error:
        raise CannotRestore(NOT_A_BACKUP.format(path)) from error
    migrations = set(MigrationLoader(None).disk_migrations or ())
    if unknown := sorted(name for app, name in applied - migrations if app in {"catalog", "downloads"}):
        raise CannotRestore(f"{path} was made by a newer version ({unknown[-1]}): update Tonekeep first.")


def _keep_present(now: datetime) -> str:
    """A backup of the present database in DATA_DIR; "" where there is none yet."""
    if connection.vendor == "sqlite" and not os.path.exists(connection.settings_dict["NAME"]):
        return ""
    target = os.path.join(settings.DATA_DIR, f"before-restore-{now:%Y%m%d-%H%M%S}.backup")
    try:
        return backup(target).path
    except CannotBackUp as error:
        raise CannotRestore(f"The present database could not be kept, so nothing was changed. {error}") from error


def _overwrite(path: str) -> None:
    live = connection.settings_dict["NAME"]
    connection.close()
    try:
        with (
            closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(live, timeout=0)) as target,
        ):
            source.backup(target)
        os.chmod(live, 0o600)
    except (sqlite3.Error, OSError) as error:
        raise CannotRestore(f"The backup could not be written to {live}: {error}.") from error
