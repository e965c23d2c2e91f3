"""A list that was half read when Spotify sent us away: kept in DATA_DIR, so that the next sync goes on from there.

100,000 liked songs are 2,000 pages. Where Spotify allows a hundred of them before each pause, a read that began anew
every time would never end. A file of lines holds the list's version and total, then one page of entries a line, as it
was read. It is a cache: it may be deleted at any time, and nothing else reads it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from catalog.music.records import EntryRecord, TrackRecord

FOLDER = "half_read"  # in DATA_DIR
KEPT_FOR = 30 * 24 * 3600.0  # seconds; what nobody went on with by then is of a list or an account that is gone


class Checkpoint:
    """One list's file. Whatever it holds is only used where it proves to be the head of the list as it is now."""

    def __init__(self, folder: Path, *name: str) -> None:
        self.path = folder / f"{sha256(json.dumps(name).encode()).hexdigest()[:32]}.jsonl"

    def resume(self, version: str, newest: Sequence[EntryRecord], total: int | None) -> tuple[list[EntryRecord], int]:
        """(The entries that need not be read again, the list's total); ([], 0) where all of them must be.

        They count at the same ``version``. Of a list that grows at its head they count as well where ``newest``, its
        first page as it is now, ends in their beginning, and the ``total`` has grown by just as many: then those came,
        and none went.
        """
        kept_version, kept_total, entries = self._load()
        if not entries or kept_version == version:
            return entries, kept_total
        came = _came(newest, entries)
        self.forget()
        if came is None or total != kept_total + came:
            return [], 0
        entries = [*newest[:came], *entries]
        self.append(version, kept_total + came, entries)
        return entries, kept_total + came

    def append(self, version: str, total: int, entries: Sequence[EntryRecord]) -> None:
        """Keep one page more. A disk that refuses costs nothing but the reading."""
        with suppress(OSError):
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a") as file:
                if not os.fstat(descriptor).st_size:
                    file.write(json.dumps({"version": version, "total": total}) + "\n")
                file.write(json.dumps([_as_json(entry) for entry in entries]) + "\n")

    def forget(self) -> None:
        with suppress(OSError):
            self.path.unlink()

    def _load(self) -> tuple[str, int, list[EntryRecord]]:
        """Version, total and entries. A file that a kill cut off, or another release wrote, counts as none."""
        try:
            head, *pages = map(json.loads, self.path.read_text().splitlines())
            entries = [_of_json(row) for page in pages for row in page]
            return str(head["version"]), int(head["total"]), entries
        except (OSError, ValueError, KeyError, TypeError):
            self.forget()
            return "", 0, []


def _came(newest: Sequence[EntryRecord], entries: Sequence[EntryRecord]) -> int | None:
    """How many entries stand before the old ones now; None where that cannot be told from the first page."""
    for came in range(len(newest)):
        rest = newest[came:]
        if list(rest) == list(entries[: len(rest)]):
            return came
    return None


def _as_json(entry: EntryRecord) -> dict[str, Any]:
    return asdict(entry) | {"added_at": entry.added_at and entry.added_at.isoformat()}


def _of_json(row: dict[str, Any]) -> EntryRecord:
    track, added_at = row["track"], row["added_at"]
    if track is not None:
        lists = {name: tuple(track[name]) for name in ("artists", "album_artists")}
        track = TrackRecord(**track | lists)
    return EntryRecord(**row | {"track": track, "added_at": added_at and datetime.fromisoformat(added_at)})
