"""One installation of the program, driven from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.archive import ArchiveServer
from tests.cli.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    with ArchiveServer(shelf, songs=[]) as archive:
        yield Program(tmp_path, archive)
