"""One song's line of time: from like to file, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.models import Entry, Event, Track
from catalog.reports.listings import last_events
from downloads.views.activity.events import MARKS

ENTRIES = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened.

    ``reason`` may name paths, ``by`` is a person, ``host`` a machine: for those who run the installation.
    """

    at: datetime
    icon: str
    mood: str
    title: str
    reason: str = ""
    by: str = ""
    host: str = ""


def life_of(track: Track) -> list[Step]:
    """The events that stand, and when its collections listed it."""
    steps = [_step(event) for event in last_events(track)]
    entries = track.entries.select_related("collection").exclude(added_at=None)[:ENTRIES]
    steps += [_listed(entry) for entry in entries if entry.added_at]
    steps.append(Step(track.added_at, "circle-check", "", "First known"))
    return sorted(steps, key=lambda step: step.at, reverse=True)


def _step(event: Event) -> Step:
    icon, mood, _ = MARKS.get(Event.Kind(event.kind), ("clock", "", ""))
    return Step(event.at, icon, mood, event.get_kind_display().capitalize(), event.reason, event.by, event.host)


def _listed(entry: Entry) -> Step:
    liked = entry.collection.kind == entry.collection.Kind.LIKED
    title = "Liked on Spotify" if liked else f"Added to {entry.collection.name}"
    assert entry.added_at is not None
    return Step(entry.added_at, "heart", "", title)
