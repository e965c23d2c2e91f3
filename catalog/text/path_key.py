"""When two names of files or folders are one name. Pure, and light: the process beside a scan imports it too."""

from __future__ import annotations

import unicodedata


def path_key(text: str) -> str:
    """Equal for two names that are one file where case or composition does not count (macOS, Windows shares)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
