"""What the drivers really say, and what a person reads instead."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import psycopg
import pytest

from config.database_errors import sentence

SERVER = os.environ.get("TEST_DATABASE_URL", "postgres://root@127.0.0.1:5432/test")
NOBODY_LISTENS = "postgres://anna:hunter2@127.0.0.1:1/music"


def said_of(address: str) -> str:
    """The sentence for the error of a connection that must fail."""
    with pytest.raises(psycopg.Error) as caught:
        psycopg.connect(address, connect_timeout=5).close()
    return sentence(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (NOBODY_LISTENS, "does not answer"),
        (f"{NOBODY_LISTENS}?sslmode=bogus", "A part of DATABASE_URL cannot be used"),
        (f"{NOBODY_LISTENS}?colour=green", "A part of DATABASE_URL cannot be used"),
        (f"{NOBODY_LISTENS}?port=abc", "A part of DATABASE_URL cannot be used"),
        ("postgres://anna:100%right@127.0.0.1:1/music", "%XX"),
        ("postgres://anna@no-such-host.invalid/music", "host is not known"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_by_what_is_wrong_with_it(address: str, words: str) -> None:
    assert words in said_of(address)
    assert "hunter2" not in said_of(address)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"user": "nobody_of_this_name"}, "no such user"), ({"dbname": "no_such_music"}, "Create the database")],
)
def test_a_server_that_refuses_is_told_from_one_that_is_down(change: dict[str, str], words: str) -> None:
    try:
        psycopg.connect(SERVER, connect_timeout=5).close()
    except psycopg.OperationalError:
        pytest.skip("PostgreSQL does not answer")
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(SERVER, connect_timeout=5, **change)  # type: ignore[arg-type]
    assert words in sentence(caught.value)


def test_a_file_of_another_kind_and_a_damaged_one_are_two_things(tmp_path: Path) -> None:
    letter, damaged = tmp_path / "letter", tmp_path / "damaged.sqlite3"
    letter.write_text("Dear Anna, " * 100)
    with sqlite3.connect(damaged) as database:
        database.execute("CREATE TABLE song (title)")
        database.executemany("INSERT INTO song VALUES (?)", [("x" * 2000,)] * 20)
    database.close()
    damaged.write_bytes(damaged.read_bytes()[:4096] + b"\xff" * 4096 * 5)
    assert "no SQLite database" in _said_by_sqlite(letter)
    assert "damaged" in _said_by_sqlite(damaged)


def _said_by_sqlite(path: Path) -> str:
    database = sqlite3.connect(path)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        database.execute("SELECT * FROM song").fetchall()
    database.close()
    return sentence(caught.value)
