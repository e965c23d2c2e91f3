"""A track's row together with the names under which sources list it, and what they say of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from catalog.models import Alias, Track
from catalog.music.same_recording import Description

# What a row takes over from its names.
FACTS = ("album", "duration_ms", "isrc", "track_number", "disc_number", "explicit")
UNKNOWN = (None, "")


@dataclass(slots=True, eq=False)
class Song:
    """One track while a batch is resolved: the row, saved or not, and all its names."""

    row: Track
    names: list[Alias] = field(default_factory=list)

    def descriptions(self, without: Alias | None = None) -> list[Description]:
        return [self.describe(name) for name in self.names if name is not without]

    def describe(self, name: Alias) -> Description:
        """A name's description. Rows of before names kept facts hold those of the name that leads."""
        if _is_bare(name) and self.leads(name):
            return Alias(key=name.key, apart=name.apart, **facts_of(self.row)).description
        return name.description

    def leads(self, name: Alias) -> bool:
        """Whether the row is described by this name: the one whose id it carries, else its first."""
        return name.spotify_id == self.row.spotify_id if self.row.spotify_id else name is self.names[0]

    def restate(self) -> dict[str, Any]:
        """Bring the row (unsaved) in line with its names, the leading one first. The columns that changed.

        Where the leading name kept no facts, the row's own are its.
        """
        ordered = sorted(self.names, key=lambda name: not self.leads(name))
        kept = facts_of(self.row) if _is_bare(ordered[0]) else {}
        changes: dict[str, Any] = {}
        for fact in FACTS:
            values = [getattr(name, fact) for name in ordered] + ["" if fact == "isrc" else None]
            new = next((value for value in [kept.get(fact), *values] if value not in UNKNOWN), values[-1])
            if new != getattr(self.row, fact):
                changes[fact] = new
                setattr(self.row, fact, new)
        return changes


def _is_bare(name: Alias) -> bool:
    """Whether it was written by a release that kept no facts."""
    return bool(name.pk) and all(getattr(name, fact) in UNKNOWN for fact in FACTS)


def facts_of(row: Track) -> dict[str, Any]:
    return {fact: getattr(row, fact) for fact in FACTS}


def copy_for(song: Song, name: Alias, now: datetime) -> Track:
    """A new row (unsaved) for a name that parts from a song: titled as it, otherwise as the name says."""
    return Track(
        title=song.row.title,
        identity=song.row.identity,
        spotify_id=name.spotify_id or None,
        added_at=song.row.added_at,
        retry_after=now,
        **{fact: getattr(name, fact) for fact in FACTS},
    )


def songs_of(rows: Iterable[Track]) -> dict[int, Song]:
    """The rows with their names, by row id."""
    songs = {row.pk: Song(row) for row in rows}
    for name in Alias.objects.filter(track__in=songs).select_related("album").order_by("pk"):
        songs[name.track_id].names.append(name)
    return songs
