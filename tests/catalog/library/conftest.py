"""Sound for files that are in the music folder already."""

from __future__ import annotations

import pytest

from tests.audio import make_audio

SECONDS = 4


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four seconds of sound without tags."""
    return make_audio(tmp_path_factory.mktemp("tone") / "tone.mp3", SECONDS)
