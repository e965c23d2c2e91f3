"""A backup comes back whole; what was there before is kept; what is no backup changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from catalog.db import restore as module
from catalog.db.backup import backup
from catalog.db.restore import CannotRestore, restore
from catalog.models import Track
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def kept(world: World, tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """A backup of the six songs; afterwards one is renamed and one is new."""
    monkeypatch.setattr(module, "call_command", lambda *given, **options: None)  # migrating takes seconds
    path = backup(str(tmp_path / "kept")).path
    Track.objects.filter(pk=Track.objects.order_by("pk")[0].pk).update(title="Renamed")
    Track.objects.create(title="New", identity="new")
    return path


def titles() -> set[str]:
    return set(Track.objects.values_list("title", flat=True))


def test_the_catalog_is_that_of_the_backup_and_the_one_of_before_can_come_back(kept: str) -> None:
    changed = titles()
    report = restore(kept, NOW)
    assert titles().isdisjoint({"Renamed", "New"}) and report.tracks == 6
    assert restore(report.kept, NOW.replace(minute=1)).tracks == 7
    assert titles() == changed


@pytest.mark.parametrize("content", [b"", b"music", b"SQLite format 3\0" + b"\xff" * 4096])
def test_what_is_no_backup_changes_nothing(kept: str, tmp_path: Path, content: bytes) -> None:
    before, path = titles(), tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(CannotRestore):
        restore(str(path), NOW)
    assert titles() == before


def test_a_file_that_is_not_there_is_said(world: World, tmp_path: Path) -> None:
    with pytest.raises(CannotRestore, match="There is no file"):
        restore(str(tmp_path / "nothing"), NOW)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="reads a SQLite backup")
def test_a_backup_of_a_newer_version_is_refused(kept: str) -> None:
    before = titles()
    with closing(sqlite3.connect(kept)) as database:
        database.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('catalog', '9999_future', '2030')")
        database.commit()
    with pytest.raises(CannotRestore, match="newer version"):
        restore(kept, NOW)
    assert titles() == before


def test_nothing_is_restored_where_the_present_catalog_cannot_be_kept(kept: str, settings, tmp_path: Path) -> None:
    before = titles()
    settings.DATA_DIR = tmp_path / "nowhere"
    with pytest.raises(CannotRestore, match="nothing was changed"):
        restore(kept, NOW)
    assert titles() == before
    assert connection.connection is None or connection.is_usable()
