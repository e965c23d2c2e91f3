"""Is this search result the recording that a track row names? A score, and reasons that a person can read. Pure.

A score is a product: every kind of evidence (title, artists, length, album, …) is a factor in 0..1, so that nothing
makes up for a wrong title or a wrong length. A wrong file is much worse than a question to a person: below
``THRESHOLD`` nothing is taken unasked. Some evidence is a veto, whatever the rest says: another kind of recording
(live, remix, karaoke, …) than the track's, another number in the name, a length that cannot be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from downloads.matching.compare_artists import ARTIST_SCRIPT, compare_artists, in_own_script
from downloads.matching.compare_versions import compare_albums, compare_versions
from downloads.matching.evidence import Evidence
from downloads.matching.features import QueryFeatures, ResultFeatures, SearchResult, TrackQuery
from downloads.matching.title_parser import ParsedTitle, parse_title

# Raised with every change of what is judged (not of how): songs that nothing fitted are then matched once more.
VERSION = 4
THRESHOLD = 80.0  # below this a person decides

# Which evidence is worth how much. Factors, with the reason for each.
SAME_NAME = 0.89  # less similar than this is another name, whatever the letters have in common
EXTRA_IN_SONG = 0.78  # a release says something that nothing explains: a person should look
EXTRA_IN_VIDEO = 0.75  # … an upload does: mostly a mix, a fan's edit, a performance
SUBTITLE_LENGTH = 1.5  # seconds off up to which what is missing in brackets is a subtitle: "Jump (For My Love)"
FOREIGN = 0.97  # words in another script beside the name: mostly its translation
OTHER_SCRIPT = 0.6  # the whole name in another script: cannot be compared
TRANSLITERATED = 0.75  # … but artist and length agree: worth a person's look, never a guess
VIDEO = 0.94  # a video's sound may have an intro, a scene, a cut; songs come first
UPLOAD_UNKNOWN = 0.90  # a video, and one of artist or length is unknown
VIDEO_LENGTH = 1.5  # seconds off weigh more in an upload
LENGTH_UNKNOWN = 0.91  # privacy exports have no length
EXPLICIT_OTHER = 0.97  # labels set the flag carelessly: the right releases of explicit tracks are often unmarked
CLEAN_WANTED = 0.78  # … but they mark no clean cut by mistake: a person should look
CLEAN_CUT = 0.8  # the title itself says "clean"
ISRC_SAME = 92.0  # the source says that it is this very recording: floor for titles that are written otherwise

# Seconds beyond rounding -> factor, read in straight lines. The proof after the fetch allows max(5 s, 3 %):
# what is announced to be further off would only be fetched to be thrown away, and is a veto.
# Between two releases of one recording the recorded searches show 2.1 s at most. Up to 5 s off a release may be taken;
# from there to 8 s it is mostly an extended, ambient or faded cut: a person decides.
LENGTH_CURVE = ((0.0, 1.0), (1.0, 0.995), (2.0, 0.97), (4.0, 0.92), (4.2, 0.78), (6.0, 0.76), (8.0, 0.7), (12.0, 0.4))
LENGTH_VETO = 12.0  # seconds beyond rounding, at the scale of a song
_AMBIGUOUS_SPREAD_MS = 15_000  # with no length to go by, results this far apart are different recordings
_AMBIGUOUS_SCORE = 1.0


@dataclass(frozen=True, slots=True)
class Scored:
    """A result's score, 0..100, the sentences that explain it, and whether something forbids it."""

    candidate: SearchResult
    score: float
    reasons: tuple[str, ...]
    vetoed: bool


def score(query: TrackQuery, result: SearchResult) -> Scored:
    """Compare one result with a track. Never raises, whatever the texts are."""
    return _score(QueryFeatures.of(query), ResultFeatures.of(result))


def rank(query: TrackQuery, results: Iterable[SearchResult]) -> list[Scored]:
    """All results, best first, vetoed last; equals in the order of the search, more often played videos first."""
    track, features = QueryFeatures.of(query), [ResultFeatures.of(result) for result in results]
    said_of_albums = _versions_said_of_albums(features)
    scored = [_score(track, one, said_of_albums.get(one.album.text, frozenset())) for one in features]
    return sorted(scored, key=lambda one: (one.vetoed, -one.score, -(one.candidate.views or 0)))


def acceptable(scored: Scored) -> bool:
    """Whether the result may be taken without asking."""
    return scored.score >= THRESHOLD and not scored.vetoed


def choose(query: TrackQuery, results: Iterable[SearchResult]) -> Scored | None:
    """The best acceptable result, or None: a person has to decide."""
    fit = [one for one in rank(query, results) if acceptable(one)]
    if not fit or (query.duration_ms is None and _is_ambiguous(fit)):
        return None
    return fit[0]


def _is_ambiguous(fit: list[Scored]) -> bool:
    """Whether the best results are recordings of clearly different length, and the track's is unknown."""
    near = [one.candidate for one in fit if fit[0].score - one.score <= _AMBIGUOUS_SCORE]
    lengths = [one.duration_ms for one in near if one.duration_ms is not None]
    return bool(lengths) and max(lengths) - min(lengths) > _AMBIGUOUS_SPREAD_MS


def _versions_said_of_albums(results: list[ResultFeatures]) -> dict[str, frozenset[str]]:
    """The versions that the titles of an album's tracks name, by the album's normalised name."""
    by_album: dict[str, frozenset[str]] = {}
    for result in results:
        if result.album.versions:
            by_album[result.album.text] = by_album.get(result.album.text, frozenset()) | result.title.exclusive
    return by_album


def _score(track: QueryFeatures, result: ResultFeatures, said_of_album: frozenset[str] = frozenset()) -> Scored:
    parsed = parse_title(track, result)
    artists = compare_artists(track, result, parsed)
    length, off = _compare_length(track.query, result.result), _seconds_off(track.query, result.result)
    artists = in_own_script(artists, track, result, parsed, off)
    rest_agrees = artists.factor >= ARTIST_SCRIPT and length.factor >= LENGTH_CURVE[2][1] - 0.01
    evidence = [
        _compare_name(parsed, track, result, rest_agrees),
        compare_versions(track, result, parsed),
        artists,
        length,
        compare_albums(track, result, off, said_of_album),
        _compare_explicit(track, result.result, parsed),
        _compare_kind(track.query, result),
    ]
    total = 100.0
    for one in evidence:
        total *= one.factor
    reasons = tuple(reason for one in evidence for reason in one.reasons)
    vetoed = any(one.veto for one in evidence)
    if track.query.isrc and track.query.isrc == result.result.isrc and not vetoed and length.factor > 0.9:
        total, reasons = max(total, ISRC_SAME), (*reasons, "same ISRC")
    return Scored(result.result, round(min(total, 100.0), 2), reasons or ("title, artists and length agree",), vetoed)


def _compare_name(parsed: ParsedTitle, track: QueryFeatures, result: ResultFeatures, rest_agrees: bool) -> Evidence:
    if not parsed.comparable and rest_agrees:
        return Evidence(TRANSLITERATED, ("title in another script, perhaps the same: needs a decision",))
    if not parsed.comparable:
        return Evidence(OTHER_SCRIPT, ("title in another script, cannot be compared",))
    if parsed.other_number:
        return Evidence(0.5, ("another number in the title",), veto=True)
    if parsed.similarity < SAME_NAME:
        return Evidence(parsed.similarity**2 * 0.6, ("another title",))
    factor, reasons = min(1.0, parsed.similarity + 0.003), []
    has_lengths = None not in (track.query.duration_ms, result.result.duration_ms)
    is_close = has_lengths and _seconds_off(track.query, result.result) <= SUBTITLE_LENGTH
    if parsed.similarity < 0.98:
        reasons.append("title written a little differently")
    for extra in parsed.extras:
        factor *= EXTRA_IN_VIDEO if result.is_video else EXTRA_IN_SONG
        reasons.append(f"“{extra}” in this title, not in the song’s")
    if parsed.dropped and (track.title.dashed or not is_close):
        factor *= EXTRA_IN_SONG
        reasons.append(f"“{parsed.dropped}” in the song’s title, not in this one")
    if parsed.foreign:
        factor *= FOREIGN
        reasons.append("more words in another script in the title")
    return Evidence(factor, tuple(reasons))


def _compare_length(query: TrackQuery, result: SearchResult) -> Evidence:
    if query.duration_ms is None or result.duration_ms is None:
        return Evidence(LENGTH_UNKNOWN, ("length unknown",))
    seconds = query.duration_ms / 1000
    off = _seconds_off(query, result)
    beyond = max(0.0, off - 1.0) * _length_scale(seconds)  # services round up or down
    reason = (f"length {off:.0f} s off",) if off >= 1.5 else ()
    if result.kind == "video":
        beyond *= VIDEO_LENGTH  # the difference is a scene or a title, not rounding
    factor = _on_curve(beyond) * (1 - 0.002 * min(off, 5))
    return Evidence(factor, reason, veto=beyond > LENGTH_VETO or off - 1 > max(5.0, 0.03 * seconds))


def _seconds_off(query: TrackQuery, result: SearchResult) -> float:
    """How far the lengths are apart; 0 where one is unknown."""
    if query.duration_ms is None or result.duration_ms is None:
        return 0.0
    return abs(result.duration_ms - query.duration_ms) / 1000


def _length_scale(seconds: float) -> float:
    """How much a second weighs: three are much for a jingle and little for a symphony."""
    if seconds <= 0 or 60 <= seconds <= 600:
        return 1.0
    return min(4.0, 60 / seconds) if seconds < 60 else max(0.4, 600 / seconds)


def _on_curve(seconds: float) -> float:
    for (left, high), (right, low) in pairwise(LENGTH_CURVE):
        if seconds <= right:
            return high + (low - high) * (seconds - left) / (right - left)
    return 0.0


def _compare_explicit(track: QueryFeatures, result: SearchResult, parsed: ParsedTitle) -> Evidence:
    wanted = track.query.explicit
    if wanted and "clean" in parsed.cosmetic:
        return Evidence(CLEAN_CUT, ("the clean cut of an explicit track",))
    if wanted is None and result.explicit and track.says_clean:
        wanted = False
    if wanted is None or result.explicit is None or wanted == result.explicit:
        return Evidence()
    if result.explicit:
        return Evidence(CLEAN_WANTED, ("marked explicit, the song is not",))
    return Evidence(EXPLICIT_OTHER, ("not marked explicit, the song is",))


def _compare_kind(query: TrackQuery, result: ResultFeatures) -> Evidence:
    if not result.is_video:
        return Evidence()
    unknown = query.duration_ms is None or result.result.duration_ms is None or not query.artists
    return Evidence(VIDEO * (UPLOAD_UNKNOWN if unknown else 1), ("a video, not a release",))
