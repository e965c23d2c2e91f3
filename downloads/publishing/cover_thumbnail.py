"""Covers for pages: small copies of the pictures that `downloads.publishing.cover_art` keeps in DATA_DIR.

The only module that imports Pillow. Pictures come from Spotify's image host alone, and are still held to limits.
"""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from downloads.publishing.cover_art import kept_path

EDGE = 300  # pixels: twice the 150 that a wall shows, for sharp screens
MAX_PIXELS = 16_000_000
QUALITY = 82


def thumbnail(url: str) -> Path | None:
    """The small JPEG of the cover at ``url``; None while the picture is not kept here, or where it cannot be read."""
    original = kept_path(url)
    small = original.with_name(f"{original.name}.{EDGE}.jpg")
    if small.exists():
        return small
    if not original.exists():
        return None
    try:
        _shrink(original, small)
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    return small


def _shrink(original: Path, small: Path) -> None:
    draft = small.with_name(f"{small.name}.{os.getpid()}")
    with Image.open(original, formats=("JPEG", "PNG", "WEBP")) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError("too many pixels")
        picture.draft("RGB", (EDGE, EDGE))
        copy = picture.convert("RGB")
    copy.thumbnail((EDGE, EDGE))
    copy.save(draft, "JPEG", quality=QUALITY, optimize=True)
    draft.replace(small)
