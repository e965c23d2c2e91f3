"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.world import World, make_world


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
