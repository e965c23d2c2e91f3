"""What every test may ask for."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import hypothesis
import pytest
from django.conf import LazySettings
from django.conf import settings as test_settings

from catalog.db import database_clock
from tests.migrated import copy_migrated_database
from tests.world import World, make_world

# 25 examples here, 150 in the second run of .ci/run (HYPOTHESIS_PROFILE=full), where one may take as long as it does.
hypothesis.settings.register_profile("fast", max_examples=25, deadline=None)
hypothesis.settings.register_profile("full", max_examples=150, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

SLOW_FIRST = (
    "tests/e2e/",
    "tests/demo/",
    "tests/cli/",
    "tests/crash/",
    "tests/faults/",
)  # real processes, slowest first


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: a third of the tests' time is waiting for processes they started."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take seconds each, so that none of them is the last one to run."""
    items.sort(key=lambda item: next((n for n, at in enumerate(SLOW_FIRST) if item.nodeid.startswith(at)), 99))


def pytest_collection_finish() -> None:
    """What was imported stays until the end: it is not looked through again and again for garbage (7 % of the time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """On SQLite the tests' database begins as a copy of one that is migrated already, and no migration is run."""
    if test_settings.SQLITE:
        wanted = test_settings.DATABASES["default"]["TEST"]
        path = Path(wanted["NAME"])
        copy_migrated_database(path.parent, path.name)
        wanted["MIGRATE"] = False


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """On SQLite: use that copy."""
    return bool(test_settings.SQLITE)


@pytest.fixture(autouse=True)
def _unasked_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test asks the database for its time itself: none passes only because another one has asked before it."""
    monkeypatch.setattr(database_clock, "_last", database_clock._Measured())


@pytest.fixture
def world(db: None, tmp_path: Path, settings: LazySettings) -> World:
    """A small healthy library: six tracks of three artists, all downloaded, all on disk. Break one thing in it."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.MUSIC_DIR = str(tmp_path / "music")
    settings.MUSIC_DIR_NAMED = True
    settings.MIN_FREE_BYTES = 0  # how full the machine's own disk is does not matter here
    settings.WATCH = "off"
    return make_world(Path(settings.MUSIC_DIR))


def mount_line(device: int, point: str, filesystem: str) -> str:
    """A line of /proc/self/mountinfo; ``device`` as in ``st_dev``."""
    return f"36 35 {os.major(device)}:{os.minor(device)} / {point} rw,noatime master:1 - {filesystem} /dev/x rw\n"


@pytest.fixture
def trusted_filesystem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's folder is on ext4, says the mount table: on overlay (containers) no folder would get a stamp."""
    lines = [mount_line(tmp_path.stat().st_dev, "/", "ext4")]
    monkeypatch.setattr("catalog.system.mount_table.read_lines", lambda: lines)
