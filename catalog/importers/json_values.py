"""Values out of JSON that anybody may have written: of the expected type, cleaned, or nothing. Pure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from catalog.importers.parsed_file import clean

HEADED = 1000  # songs whose fields become the table's columns


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


def table_text(data: Any) -> str:
    """A list of songs, or of lists of songs with names, as CSV: a column for each field; "" for other JSON.

    Apple's privacy export, SongShift and others write such: what a field says, its name tells (`columns`).
    """
    head = list(islice(_songs(data), HEADED))
    fields = list(dict.fromkeys(chain.from_iterable(head)))
    if not fields:
        return ""
    text = io.StringIO()
    table = csv.DictWriter(text, fields, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(_songs(data))
    return text.getvalue()


def _songs(data: Any) -> Iterator[dict[str, str]]:
    for item in map(mapping, data if isinstance(data, list) else ()):
        songs = next((item[name] for name in ("tracks", "songs", "items") if isinstance(item.get(name), list)), None)
        if songs is None:
            yield _flat(item)
        else:
            name = {"playlist": clean(item.get("name") or item.get("title"))}
            yield from (_flat(song) | name for song in map(mapping, songs) if song)


def _flat(song: dict[str, Any]) -> dict[str, str]:
    """A song's fields as texts: of objects their name, of lists all of them."""
    return {clean(field): text for field, value in song.items() if (text := _text(value))}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(filter(None, (_text(each) for each in value if not isinstance(each, list))))
    if isinstance(value, dict):
        return clean(value.get("name") or value.get("title"))
    return "" if value is None or isinstance(value, bool) else clean(str(value))
