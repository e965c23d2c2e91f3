"""The candidates of a track: kept answers first, a new search where they do not help, the best one that is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from django.conf import settings

from catalog.models import Track
from catalog.text.sanitize import storable
from downloads.failures.kinds import CANDIDATE, ERROR_KINDS
from downloads.matching import score
from downloads.matching.features import SearchResult, TrackQuery
from downloads.models import Candidate
from downloads.search.archive import ArchiveSource
from downloads.search.youtube import YouTubeSource

KEPT = 20  # candidates kept of one search
# What an answer says of a recording; a kept row says as much, or it would be judged otherwise than the answer was.
ANSWERED = ("url", "kind", "title", "artists", "album", "duration_ms", "isrc", "explicit", "views")
RULED_OUT = "ruled out"  # the last reason of one that a veto forbids
Verdict = Candidate.Verdict

# After these a retry asks again: what was kept has been tried, or was not good enough.
ASK_AGAIN_AFTER = {kind for kind, error in ERROR_KINDS.items() if error.fault == CANDIDATE} | {
    "no_match",
    "needs_decision",
}


class Source(Protocol):
    """Something that can be searched for recordings, and the one host that they are fetched from ("": its own)."""

    allowed_host: str

    def search(self, wish: TrackQuery, words: str = "") -> list[SearchResult]: ...


def source() -> Source:
    """The audio source that the settings name."""
    return ArchiveSource(settings.ARCHIVE_URL) if settings.AUDIO_SOURCE == "archive" else YouTubeSource()


def query_for(track: Track) -> TrackQuery:
    """What the matcher needs to know of a track."""
    return TrackQuery(
        title=track.title,
        artists=tuple(track.artist_names),
        album=track.album.title if track.album else "",
        duration_ms=track.duration_ms,
        isrc=track.isrc,
        explicit=track.explicit,
    )


def acceptable(track: Track, found: Source, now: datetime) -> list[Candidate]:
    """The candidates worth fetching, the best first; searched for where none is kept. SourceError if that fails.

    A person's choice stands alone: nothing else is taken in its stead.
    """
    if (choice := chosen(track)) is not None:
        return [choice]
    wish = query_for(track)
    fit = _fit(wish, track)
    if fit and track.error_kind not in ASK_AGAIN_AFTER:
        return fit
    keep(track, wish, found.search(wish), now)
    return _fit(wish, track)


def chosen(track: Track) -> Candidate | None:
    """What a person chose. ``why`` is set where its content failed the proof since."""
    return track.candidates.filter(verdict=Verdict.CHOSEN).first()


def is_still_selected(candidate: Candidate) -> bool:
    """Whether nobody has decided otherwise while this candidate was fetched."""
    choice = Candidate.objects.filter(track=candidate.track_id, verdict=Verdict.CHOSEN).first()
    if choice is not None:
        return choice.pk == candidate.pk
    return Candidate.objects.usable().filter(pk=candidate.pk).exists()


def allowed_host(candidate: Candidate) -> str:
    """The one host that it may be fetched from; "" where its source has hosts of its own."""
    return settings.ARCHIVE_URL if candidate.source == "archive" else ""


def keep(track: Track, wish: TrackQuery, answers: Sequence[SearchResult], now: datetime) -> None:
    """Write down what a search answered. Verdicts on a candidate that was known before stay."""
    rows = [
        Candidate(
            track=track,
            source=settings.AUDIO_SOURCE,
            source_id=answer.id,
            **{name: getattr(answer, name) for name in ANSWERED},
            score=scored.score,
            reasons=[*scored.reasons, *([RULED_OUT] if scored.vetoed else [])],
            found_at=now,
        )
        for scored in score.rank(wish, _storable(answers))[:KEPT]
        for answer in [scored.candidate]
    ]
    Candidate.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["track", "source", "source_id"],
        update_fields=[*ANSWERED, "score", "reasons", "found_at"],
    )


def _storable(answers: Sequence[SearchResult]) -> list[SearchResult]:
    """The answers without what no database stores, each id once."""
    clean = (
        replace(
            answer,
            id=storable(answer.id),
            url=storable(answer.url),
            title=storable(answer.title),
            artists=tuple(map(storable, answer.artists)),
            album=storable(answer.album),
            isrc=storable(answer.isrc),
        )
        for answer in answers
    )
    found: dict[str, SearchResult] = {}
    for answer in clean:
        found.setdefault(answer.id, answer)
    return list(found.values())


def fitting(track: Track) -> list[Candidate]:
    """The kept candidates that may be taken without asking, the best first."""
    return _fit(query_for(track), track)


def _fit(wish: TrackQuery, track: Track) -> list[Candidate]:
    """The kept candidates that the matcher accepts today, the best first."""
    rows = {row.source_id: row for row in track.candidates.usable().filter(source=settings.AUDIO_SOURCE)}
    ranked = score.rank(wish, [search_result_of(row) for row in rows.values()])
    if score.choose(wish, [scored.candidate for scored in ranked]) is None:
        return []  # also where several are good and nothing tells them apart
    return [rows[scored.candidate.id] for scored in ranked if score.acceptable(scored)]


def search_result_of(row: Candidate) -> SearchResult:
    """A kept row in the matcher's terms."""
    said = {name: getattr(row, name) for name in ANSWERED}
    return SearchResult(**said | {"id": row.source_id, "artists": tuple(row.artists)})


def reject(candidate: Candidate, why: str) -> None:
    """Its content failed the proof: never take it again, unless a person says so.

    A person's choice stays the choice, with the reason beside it: no guess is made in its stead.
    """
    Candidate.objects.filter(pk=candidate.pk, verdict=Verdict.CHOSEN).update(why=why)
    Candidate.objects.filter(pk=candidate.pk, verdict=Verdict.OPEN).update(verdict=Verdict.DISPROVED, why=why)
