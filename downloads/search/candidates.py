"""The candidates of a track: kept results first, a new search where they do not help, the best one that is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from catalog.models import Timing, Track
from catalog.models.settings import value
from catalog.text.sanitize import storable
from downloads.failures.kinds import CANDIDATE, ERROR_KINDS
from downloads.matching import score
from downloads.matching.features import SearchResult, TrackQuery
from downloads.models import RULED_OUT, Candidate
from downloads.search.sources import AudioSource

KEPT = 20  # candidates kept of one search
# What a search result says of a recording; a kept row says as much, or it would be scored otherwise than the result.
RESULT_FIELDS = ("url", "kind", "title", "artists", "album", "duration_ms", "isrc", "explicit", "views")
Verdict = Candidate.Verdict

# After these a retry asks again: what was kept has been tried, or was not good enough.
ASK_AGAIN_AFTER = {kind for kind, error in ERROR_KINDS.items() if error.fault == CANDIDATE} | {
    "no_match",
    "needs_decision",
}


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


def acceptable(track: Track, audio_source: AudioSource, now: datetime) -> list[Candidate]:
    """The candidates worth fetching, the best first; searched for where none is kept. DownloadError if that fails.

    A person's choice stands alone: nothing else is taken in its stead.
    """
    if (choice := chosen(track)) is not None:
        return [choice]
    query = query_for(track)
    fit = _fit(query, track)
    if fit and track.error_kind not in ASK_AGAIN_AFTER:
        return fit
    with Timing.objects.measured("search"):
        results = audio_source.search(query)
    keep(track, query, results, now)
    return _fit(query, track)


def chosen(track: Track) -> Candidate | None:
    """What a person chose. ``why`` is set where its content failed the proof since."""
    return track.candidates.filter(verdict=Verdict.CHOSEN).first()


def is_still_selected(candidate: Candidate) -> bool:
    """Whether nobody has decided otherwise while this candidate was fetched."""
    choice = Candidate.objects.filter(track=candidate.track_id, verdict=Verdict.CHOSEN).first()
    if choice is not None or candidate.verdict == Verdict.CHOSEN:  # it was the choice: taken back, it is none
        return choice is not None and choice.pk == candidate.pk
    return Candidate.objects.usable().filter(pk=candidate.pk).exists()


def keep(track: Track, query: TrackQuery, results: Sequence[SearchResult], now: datetime) -> None:
    """Store the results of a search. Verdicts on a candidate that is stored already stay."""
    rows = [
        Candidate(
            track=track,
            source=value("AUDIO_SOURCE"),
            source_id=result.id,
            **{name: getattr(result, name) for name in RESULT_FIELDS},
            score=scored.score,
            reasons=[*scored.reasons, *([RULED_OUT] if scored.vetoed else [])],
            found_at=now,
        )
        for scored in score.rank(query, _storable(results))[:KEPT]
        for result in [scored.candidate]
    ]
    Candidate.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["track", "source", "source_id"],
        update_fields=[*RESULT_FIELDS, "score", "reasons", "found_at"],
    )


def _storable(results: Sequence[SearchResult]) -> list[SearchResult]:
    """The results without what no database stores, each id once."""
    clean = (
        replace(
            result,
            id=storable(result.id),
            url=storable(result.url),
            title=storable(result.title),
            artists=tuple(map(storable, result.artists)),
            album=storable(result.album),
            isrc=storable(result.isrc),
        )
        for result in results
    )
    by_id: dict[str, SearchResult] = {}
    for result in clean:
        by_id.setdefault(result.id, result)
    return list(by_id.values())


def fitting(track: Track) -> list[Candidate]:
    """The kept candidates that may be taken without asking, the best first."""
    return _fit(query_for(track), track)


def _fit(query: TrackQuery, track: Track) -> list[Candidate]:
    """The kept candidates that the matcher accepts today, the best first."""
    rows = {row.source_id: row for row in track.candidates.usable().filter(source=value("AUDIO_SOURCE"))}
    ranked = score.rank(query, [search_result_of(row) for row in rows.values()])
    if score.choose(query, [scored.candidate for scored in ranked]) is None:
        return []  # also where several are good and nothing tells them apart
    return [rows[scored.candidate.id] for scored in ranked if score.acceptable(scored)]


def search_result_of(row: Candidate) -> SearchResult:
    """A kept row in the matcher's terms."""
    fields = {name: getattr(row, name) for name in RESULT_FIELDS}
    return SearchResult(**fields | {"id": row.source_id, "artists": tuple(row.artists)})


def reject(candidate: Candidate, why: str) -> None:
    """Its content failed the proof: never take it again, unless a person says so.

    A person's choice stays the choice, with the reason beside it: no guess is made in its stead.
    """
    Candidate.objects.filter(pk=candidate.pk, verdict=Verdict.CHOSEN).update(why=why)
    Candidate.objects.filter(pk=candidate.pk, verdict=Verdict.OPEN).update(verdict=Verdict.DISPROVED, why=why)
