"""Parse ids of database rows from text: query strings, forms, tags. Pure."""

from __future__ import annotations

from collections.abc import Iterable

MAX_ID = (1 << 63) - 1  # of a BIGINT column


def id_from(text: str) -> int:
    """The row id that ``text`` is; 0, which no row has, for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return number if number <= MAX_ID else 0


def ids_from(texts: Iterable[str]) -> list[int]:
    """The row ids among these texts, in their order; whatever is none is left out."""
    return [number for number in map(id_from, texts) if number]
