"""Small copies of pictures for pages. The only module that imports Pillow.

Pictures come out of strangers' files and from Spotify's image host: they are held to limits, and to three formats.
"""

from __future__ import annotations

import io
from pathlib import Path

from catalog.system.atomic_files import write_over

EDGE = 300  # pixels: twice the 150 that a wall shows, for sharp screens
MAX_PIXELS = 16_000_000
QUALITY = 82


def write_small(picture: bytes, target: Path) -> int:
    """Write a JPEG of at most `EDGE` pixels to ``target``, whole or not at all; its size in bytes.

    0, and nothing is written, where ``picture`` is none, or has more pixels than a cover needs. OSError for the disk.
    """
    from PIL import Image, UnidentifiedImageError  # here: most processes never shrink a picture (2 MB)

    try:
        small = _shrunk(picture)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return 0
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_over(str(target), small)
    return len(small)


def _shrunk(picture: bytes) -> bytes:
    from PIL import Image  # here: see above

    with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG", "WEBP")) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError("too many pixels")
        image.draft("RGB", (EDGE, EDGE))
        copy = image.convert("RGB")
    copy.thumbnail((EDGE, EDGE))
    written = io.BytesIO()
    copy.save(written, "JPEG", quality=QUALITY, optimize=True)
    return written.getvalue()
