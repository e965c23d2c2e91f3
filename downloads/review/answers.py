"""Answers to "which recording?", one or many at a time, each of which can be taken back.

What an answer changed is a value that fits into a session: who undoes it changes only what nobody has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog.models import Event, Track
from catalog.tracks import transitions
from downloads.models import Candidate
from downloads.review import decisions

Verdict = Candidate.Verdict
# A candidate's id, its verdict and reason before, its verdict since.
Change = tuple[int, str, str, str]


def take(chosen: Sequence[Candidate], now: datetime, by: str) -> list[Change]:
    """These recordings, each for its own song, and no other. What changed."""

    def choose_all() -> None:
        for candidate in chosen:
            decisions.choose(candidate, now, by)

    return _changed([candidate.track_id for candidate in chosen], choose_all)


def take_none(track: Track, now: datetime, by: str) -> list[Change]:
    """None of those that were found; others are searched for. What changed."""
    return _changed([track.pk], lambda: decisions.exclude_all(track, now, by))


def _changed(track_ids: list[int], act: Callable[[], None]) -> list[Change]:
    with transaction.atomic():
        before = _verdicts(track_ids)
        act()
        after = _verdicts(track_ids)
    return [(pk, *before[pk], after[pk][0]) for pk in before if before[pk] != after.get(pk, before[pk])]


def _verdicts(track_ids: list[int]) -> dict[int, tuple[str, str]]:
    rows = Candidate.objects.filter(track__in=track_ids).values_list("pk", "verdict", "why")
    return {pk: (verdict, why) for pk, verdict, why in rows}


def undo(changes: Sequence[Sequence[Any]], now: datetime, by: str) -> int:
    """Take an answer back. How many verdicts went back to what they were; those that somebody has changed stay."""
    undone: set[int] = set()
    restored = 0
    with transaction.atomic():
        # What was chosen leaves first: a song has one choice at most.
        for pk, verdict, why, since in sorted(changes, key=lambda change: change[1] == Verdict.CHOSEN):
            row = Candidate.objects.select_for_update().filter(pk=pk, verdict=since).first()
            if row is None or (verdict == Verdict.CHOSEN and _has_choice(row)):
                continue
            Candidate.objects.filter(pk=pk).update(verdict=verdict, why=why)
            undone.add(row.track_id)
            restored += 1
        Event.objects.record(sorted(undone), Event.Kind.DECIDE, "an answer was undone", now, by)
        transitions.retry(Track.objects.filter(pk__in=undone), now, "an answer was undone")
    return restored


def _has_choice(row: Candidate) -> bool:
    return Candidate.objects.filter(track=row.track_id, verdict=Verdict.CHOSEN).exists()
