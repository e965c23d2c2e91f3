"""A backup is whole, of one moment, checked, private, and never over another file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.db.backup import CannotBackUp, backup
from catalog.models import Track

pytestmark = pytest.mark.django_db(transaction=True)

only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has its own tool")
TRACKS = 2000


@pytest.fixture
def catalog() -> None:
    Track.objects.bulk_create(Track(title=f"Song {number}", identity=f"song {number}") for number in range(TRACKS))


class Writer(threading.Thread):
    """Writes on and on: each transaction gives all rows one and the same number, in two statements."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0
        self.enough = threading.Event()
        self.first = threading.Event()

    def run(self) -> None:
        with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=60, isolation_level=None)) as database:
            while not self.enough.is_set():
                database.execute("BEGIN IMMEDIATE")
                for half in (0, 1):
                    values = (self.rounds, half)
                    database.execute("UPDATE catalog_track SET attempts = ? WHERE id % 2 = ?", values)
                database.execute("COMMIT")
                self.rounds += 1
                self.first.set()


def rows(path: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(statement).fetchall()


@only_sqlite
def test_under_write_load_each_backup_is_of_one_moment_and_writers_go_on(catalog, tmp_path):
    writer = Writer()
    writer.start()
    try:
        assert writer.first.wait(60)
        before = writer.rounds
        for number in range(5):
            assert backup(str(tmp_path / f"{number}")).tracks == TRACKS
        assert writer.rounds > before
    finally:
        writer.enough.set()
        writer.join()
    moments = []
    for number in range(5):
        copy = tmp_path / f"{number}"
        assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
        [(lowest, highest, count)] = rows(copy, "SELECT MIN(attempts), MAX(attempts), COUNT(*) FROM catalog_track")
        assert (lowest, count) == (highest, TRACKS)
        moments.append(lowest)
    assert moments == sorted(moments)


@only_sqlite
def test_a_backup_is_its_owners_alone_and_leaves_nothing_beside_it(catalog, tmp_path):
    report = backup(str(tmp_path / "copy"))
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    assert (report.size, report.tracks) == ((tmp_path / "copy").stat().st_size, TRACKS)
    assert os.listdir(tmp_path) == ["copy"]


@only_sqlite
def test_a_file_that_is_there_is_never_overwritten(catalog, tmp_path):
    (tmp_path / "copy").write_text("precious")
    with pytest.raises(CannotBackUp, match="is there already"):
        backup(str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_text() == "precious"


@only_sqlite
def test_a_damaged_database_makes_no_backup(catalog, tmp_path, monkeypatch):
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    monkeypatch.setitem(connection.settings_dict, "NAME", str(broken))
    with pytest.raises(CannotBackUp, match="could not be made"):
        backup(str(tmp_path / "copy"))
    assert os.listdir(tmp_path) == ["broken.sqlite3"]


@only_sqlite
def test_the_command_says_what_it_wrote_and_refuses_in_a_sentence(catalog, tmp_path, capsys):
    call_command("backup", str(tmp_path / "copy"), "--json")
    assert json.loads(capsys.readouterr().out)["tracks"] == TRACKS
    with pytest.raises(CommandError, match="No such file or directory"):
        call_command("backup", str(tmp_path / "nowhere" / "copy"))


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite is copied by the command itself")
def test_postgresql_is_dumped_by_its_own_tool_and_no_password_is_said(catalog, tmp_path, monkeypatch):
    report = backup(str(tmp_path / "copy"))
    assert report.tracks == TRACKS and (tmp_path / "copy").read_bytes().startswith(b"PGDMP")
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "hunter2secret")
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    with pytest.raises(CannotBackUp, match="could not be made") as refused:
        backup(str(tmp_path / "another"))
    assert "hunter2secret" not in str(refused.value)
    assert os.listdir(tmp_path) == ["copy"]
