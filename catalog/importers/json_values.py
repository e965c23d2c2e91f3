"""Values out of JSON that anybody may have written: of the expected type, cleaned, or nothing. Pure."""

from __future__ import annotations

import math
from typing import Any

from catalog.importers.parsed_file import clean


def number(value: Any, most: int) -> int | None:
    """A whole number from 1 to ``most``, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return round(value) if 1 <= value <= most else None


def texts(values: Any) -> tuple[str, ...]:
    """The texts in a list, cleaned, each once; () for anything else."""
    cleaned = (clean(value) for value in (values if isinstance(values, list) else ()))
    return tuple(dict.fromkeys(filter(None, cleaned)))


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
