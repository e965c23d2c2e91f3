from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import HeldArchive, Installation, make_archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[HeldArchive]:
    """An audio server with five songs of four seconds."""
    with make_archive(tmp_path / "archive") as server:
        assert isinstance(server, HeldArchive)
        yield server
        server.held = False


@pytest.fixture
def installation(tmp_path: Path, archive: HeldArchive) -> Iterator[Installation]:
    """An installation that fetches from `archive`; whatever it leaves running is killed in the end."""
    with Installation(tmp_path / "home", archive) as installed:
        yield installed
