"""A copy of the catalog's database, whole and of one moment, while everything goes on.

SQLite: ``VACUUM INTO`` reads one snapshot in a single statement; writers go on in the WAL beside it, so that the copy
is neither torn nor begun anew at each write (as the backup API does where another process writes). PostgreSQL has a
tool of its own for this, and its password is not handed on to a child process: here it is only named.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from catalog.system.atomic_files import take_name
from catalog.text.user_error import UserError

WAIT = 60.0  # seconds for a lock; readers of a WAL wait for hardly anything


class CannotBackUp(UserError):
    """No backup was made: one sentence that says why and what to do next."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """The file, its size in bytes, how many tracks stand in it, and how many seconds it took."""

    path: str
    size: int
    tracks: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)


def backup(target: str) -> BackupReport:
    """Write a copy of the database to ``target``, check it, and only then give it its name. Never overwrites.

    Only its owner may read it: tokens stand in it, sealed. Raises CannotBackUp.
    """
    if connection.vendor != "sqlite":
        raise CannotBackUp(_for_postgres(target))
    began, path = time.monotonic(), os.path.abspath(os.path.expanduser(target))
    if os.path.lexists(path):
        raise CannotBackUp(f"{path} is there already; name a file that is not.")
    try:
        folder = tempfile.mkdtemp(prefix=".tonekeep-backup-", dir=os.path.dirname(path))
    except OSError as error:
        raise CannotBackUp(f"The backup cannot be written to {os.path.dirname(path)}: {error.strerror}.") from error
    try:
        draft = os.path.join(folder, "catalog.sqlite3")
        tracks = _copied(draft)
        _name_it(draft, path)
    except (sqlite3.Error, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CannotBackUp(f"The backup could not be made: {why}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return BackupReport(path, os.path.getsize(path), tracks, round(time.monotonic() - began, 2))


def _copied(draft: str) -> int:
    """Copy the database into ``draft`` and prove the copy. How many tracks it holds."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=WAIT, isolation_level=None)) as live:
        live.execute("VACUUM INTO ?", [draft])
    with closing(sqlite3.connect(draft)) as copy:
        said = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if said != "ok" or copy.execute("PRAGMA foreign_key_check").fetchone():
            raise CannotBackUp(f"The copy of the database is damaged ({said}); is the disk sound?")
        return int(copy.execute("SELECT COUNT(*) FROM catalog_track").fetchone()[0])


def _name_it(draft: str, path: str) -> None:
    os.chmod(draft, 0o600)
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    take_name(draft, path)


def _for_postgres(target: str) -> str:
    known = connection.settings_dict
    parts = [("--host", known["HOST"]), ("--port", str(known["PORT"] or "")), ("--username", known["USER"])]
    where = " ".join(f"{option} {shlex.quote(value)}" for option, value in parts if value)
    command = f"pg_dump --format=custom {where} --file {shlex.quote(target)} {shlex.quote(known['NAME'])}"
    return f"This catalog is in PostgreSQL, which is backed up by its own tool; run: {' '.join(command.split())}"
