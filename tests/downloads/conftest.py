from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from demo.archive import ArchiveServer


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
