"""PostgreSQL's own `pg_dump` and `pg_restore`, where they are installed. The only module that starts them.

They get the password in a file that only its owner can read, never in their arguments or environment.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from catalog.system.programs import run
from catalog.text.sanitize import one_line

TIMEOUT = 6 * 3600.0  # seconds; a million tracks take about one


class ToolFailed(Exception):
    """The tool is not there, or what it said last. One sentence."""


def pg_dump(database: Mapping[str, Any], target: str) -> None:
    """Write the whole database into the new file ``target``, in pg_dump's custom format. Raises ToolFailed."""
    with _address(database) as address:
        _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}", f"--dbname={address}"])


def pg_restore(database: Mapping[str, Any], source: str) -> None:
    """Put the dump ``source`` in the place of the database's tables: all of it, or nothing. Raises ToolFailed."""
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    with _address(database) as address:
        _run(["pg_restore", *options, f"--dbname={address}", source])


@contextmanager
def _address(database: Mapping[str, Any]) -> Iterator[str]:
    """libpq's connection string, which names a file with the password."""
    from psycopg.conninfo import make_conninfo  # here: 6 MB, which a database in a file has no use for

    names = {"host": "HOST", "port": "PORT", "user": "USER", "dbname": "NAME"}
    parts = {ours: str(database[theirs]) for ours, theirs in names.items() if database.get(theirs)}
    with tempfile.NamedTemporaryFile("w", prefix="tonekeep-", suffix=".pgpass") as file:  # mode 0600
        escaped = str(database.get("PASSWORD") or "").replace("\\", "\\\\").replace(":", "\\:")
        file.write(f"*:*:*:*:{escaped}\n")
        file.flush()
        yield make_conninfo(passfile=file.name, **parts)


def _run(command: list[str]) -> None:
    try:
        completed = run(command, timeout=TIMEOUT)
    except FileNotFoundError as error:
        raise ToolFailed(f"{command[0]} is not installed (Debian, Ubuntu: apt install postgresql-client).") from error
    except (OSError, TimeoutError) as error:
        raise ToolFailed(f"{command[0]} did not end well: {os.strerror(getattr(error, 'errno', 0) or 0)}.") from error
    if completed.code:
        lines = completed.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {completed.code}"]
        raise ToolFailed(one_line(lines[0]))
