"""YouSpotter's database: rows, and the catalog and queue that it keeps as JSON."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest

from catalog.importers.reader import UnreadableFile, read_library_file

SCHEMA = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE kvstore (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE tracks (id INTEGER PRIMARY KEY, artist TEXT NOT NULL, title TEXT NOT NULL, duration INTEGER NOT NULL,
                     identity TEXT UNIQUE);
"""
QUEUE = {
    "missing": 1,
    "queue": {
        "pending": [{"artist": "Erik Satie", "title": "Gnossienne No. 1", "album": "Gnossiennes", "duration": 190}],
        "completed": [{"artist": "Erik Satie", "title": "Gymnopédie No. 1", "album": "Trois Gymnopédies",
                       "duration": 184, "status": "downloaded"}],
    },
}  # fmt: skip


def database(folder: Path, rows: Iterable[tuple[str, str, int]] = (), **values: object) -> str:
    path = folder / "youspotter.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        connection.executemany(
            "INSERT INTO tracks (artist, title, duration, identity) VALUES (?, ?, ?, ?)",
            [(*row, "|".join(map(str, row))) for row in rows],
        )
        connection.executemany(
            "INSERT INTO settings VALUES (?, ?)", [(key, json.dumps(value)) for key, value in values.items()]
        )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return str(path)


def test_its_rows_and_its_queue_are_one_list_of_songs_each_once(tmp_path):
    path = database(tmp_path, [("Erik Satie", "Gymnopédie No. 1", 184)], status=QUEUE, retry_schedule={"a|b|1": 1})
    (file,) = read_library_file(path)
    tracks = [entry.track for entry in file.collections[0].entries]
    assert [(track.title, track.album, track.duration_ms) for track in tracks] == [
        ("Gymnopédie No. 1", "Trois Gymnopédies", 184_000),
        ("Gnossienne No. 1", "Gnossiennes", 190_000),
    ]
    assert (file.kind, file.collections[0].name, file.skipped) == ("YouSpotter database", "youspotter", ())


def test_a_row_without_a_title_keeps_its_place_and_is_said(tmp_path):
    (file,) = read_library_file(database(tmp_path, [("Erik Satie", "", 184), ("Erik Satie", "Vexations", 900)]))
    assert [entry.track is None for entry in file.collections[0].entries] == [True, False]
    assert [(line.line, line.reason) for line in file.skipped] == [(1, "there is no title")]


def test_another_programs_database_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    connection.close()
    with pytest.raises(UnreadableFile, match=r"other\.db is a database, but none of YouSpotter's"):
        read_library_file(str(path))


@pytest.mark.parametrize("cut", [100, 5000])
def test_a_damaged_database_is_refused_in_a_sentence(tmp_path, cut):
    path = Path(database(tmp_path, [("Erik Satie", f"Piece {number}", 60 + number) for number in range(500)]))
    data = path.read_bytes()
    path.write_bytes(data[:cut] + b"\xff" * 3000 + data[cut + 3000 : -4096])
    with pytest.raises(UnreadableFile, match="is damaged"):
        read_library_file(str(path))
