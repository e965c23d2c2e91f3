"""A copy of the catalog's database, whole and of one moment, while everything goes on.

SQLite: ``VACUUM INTO`` reads one snapshot in a single statement; writers go on in the WAL beside it, so that the copy
is neither torn nor begun anew at each write (as the backup API does where another process writes). PostgreSQL: its own
`pg_dump`, in the custom format that `pg_restore` reads.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection

from catalog.db.postgres_tools import ToolFailed, pg_dump
from catalog.system.atomic_files import link_new, sync_file
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
    began, path = time.monotonic(), os.path.abspath(os.path.expanduser(target))
    if os.path.lexists(path):
        raise CannotBackUp(f"{path} is there already; name a file that is not.")
    try:
        folder = tempfile.mkdtemp(prefix=".tonekeep-backup-", dir=os.path.dirname(path))
    except OSError as error:
        raise CannotBackUp(f"The backup cannot be written to {os.path.dirname(path)}: {error.strerror}.") from error
    try:
        draft = os.path.join(folder, "catalog.sqlite3")
        tracks = _copied(draft) if connection.vendor == "sqlite" else _dumped(draft)
        _name_it(draft, path)
    except (sqlite3.Error, OSError, ToolFailed) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CannotBackUp(f"The backup could not be made: {str(why).rstrip('.')}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return BackupReport(path, os.path.getsize(path), tracks, round(time.monotonic() - began, 2))


def _copied(draft: str) -> int:
    """Copy the database into ``draft`` and prove the copy. How many tracks it holds."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=WAIT, isolation_level=None)) as live:
        live.execute("VACUUM INTO ?", [draft])
    with closing(sqlite3.connect(draft)) as copy:
        result = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if result != "ok" or copy.execute("PRAGMA foreign_key_check").fetchone():
            raise CannotBackUp(f"The copy of the database is damaged ({result}); is the disk sound?")
        return int(copy.execute("SELECT COUNT(*) FROM catalog_track").fetchone()[0])


def _dumped(draft: str) -> int:
    """Dump the database into ``draft``. How many tracks it held just before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM catalog_track")
        (tracks,) = cursor.fetchone()
    pg_dump(connection.settings_dict, draft)
    return int(tracks)


def _name_it(draft: str, path: str) -> None:
    os.chmod(draft, 0o600)
    sync_file(draft)
    link_new(draft, path)
