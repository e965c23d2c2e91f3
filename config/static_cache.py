"""How long browsers keep static files. Without Django: settings.py hands it to WhiteNoise."""

from __future__ import annotations

from pathlib import Path
from wsgiref.headers import Headers

OURS = Path(__file__).resolve().parents[1] / "static"
YEAR, DAY = 365 * 86_400, 86_400  # seconds


def keep_static_files(headers: Headers, path: str, url: str) -> None:
    """Ours for a year, by their hashed addresses; the admin's, whose style sheets name pictures plainly, for a day."""
    ours = Path(path).is_relative_to(OURS)
    headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if ours else f"public, max-age={DAY}"
