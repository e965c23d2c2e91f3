from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.crash.workspace import Workspace, configure


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the recordings of all tests of this session lie."""
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture
def workspace(transactional_db: None, tmp_path: Path, settings: LazySettings, recordings: Path) -> Workspace:
    """A library under fire. Real commits: several processes must see them."""
    configure(settings, tmp_path)
    return Workspace(tmp_path, recordings)
