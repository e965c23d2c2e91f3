from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import LazySettings

from demo.archive import ArchiveServer
from downloads.fetch import process
from tests.downloads.forked_child import start


@pytest.fixture
def archive(tmp_path: Path, settings: LazySettings) -> Iterator[ArchiveServer]:
    """An audio server on loopback, empty, that the settings name as the source."""
    folder = tmp_path / "archive"
    folder.mkdir()
    with ArchiveServer(folder, songs=[]) as server:
        settings.AUDIO_SOURCE = "archive"
        settings.ARCHIVE_URL = server.url
        settings.AUDIO_FORMAT = "best"
        yield server


@pytest.fixture(autouse=True)
def forked_child(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the fetching child from the test's own process, unless the test is marked ``real_exec``."""
    if not request.node.get_closest_marker("real_exec"):
        forking = SimpleNamespace(**vars(process.programs) | {"start": start})
        monkeypatch.setattr(process, "programs", forking)
