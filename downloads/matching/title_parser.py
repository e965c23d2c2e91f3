"""A result's title parsed in the light of a track: which part is the song, and what the rest says. Pure.

Upload titles follow no order ("Artist - Title", "Title | Artist (Lyrics)", 「Title」 Official Video, "Artist Title
live"): so no part has a fixed meaning. The run of segments that is nearest to the track's name is the song; every other
word must be explained by the track's artists, its album or by words that say nothing, or it counts against the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from downloads.matching.features import QueryFeatures, ResultFeatures
from downloads.matching.similarity import ROMAN, numbers_differ, similarity
from downloads.matching.title_text import (
    CONNECTORS,
    Segment,
    descriptor,
    featured_names,
    is_noise,
    name_words,
    share_script,
    split_featuring,
    strip_marks,
)
from downloads.matching.track_title import TrackTitle
from downloads.matching.version_words import YEAR, find_versions, strip_noise

_LONGEST_RUN = 4  # segments; a song's own name has rarely more than two
# Only the name's first part is there: "Satisfaction" for "(I Can't Get No) Satisfaction".
_WITHOUT_BRACKET = 0.92


@dataclass(frozen=True, slots=True)
class ParsedTitle:
    """What a result's title says.

    ``similarity`` of its name to the track's is 0..1; ``extras`` are segments that nothing explains, ``foreign`` such
    in another script; ``named`` the words of names in it. ``whole``: the track's version words are part of the name.
    ``dropped`` is what stands behind the track's name in its own title and nowhere in this one: "Song (Chilled)".
    """

    similarity: float = 1.0
    exclusive: frozenset[str] = frozenset()
    cosmetic: frozenset[str] = frozenset()
    descriptors: frozenset[frozenset[str]] = frozenset()
    whole: bool = True
    extras: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()
    other_number: bool = False
    comparable: bool = True
    dropped: str = ""


class _Run(NamedTuple):
    similarity: float
    start: int
    end: int
    text: str
    target: str
    beside: str
    whole: bool


@dataclass(slots=True)
class _Rest:
    """What stands beside the song's name, by kind."""

    exclusive: set[str] = field(default_factory=set)
    cosmetic: set[str] = field(default_factory=set)
    descriptors: list[frozenset[str]] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    def add_versions(self, text: str) -> None:
        versions = find_versions(text)
        self.exclusive |= versions.exclusive
        self.cosmetic |= versions.cosmetic

    def numbers(self) -> list[str]:
        """The numbers in unexplained text: "Part 2" is another song."""
        words = " ".join((*self.extras, *self.foreign)).split()
        return list(filter(_is_number, words))


def _is_number(word: str) -> bool:
    return word.isdigit() or word in ROMAN


def _dropped(run: _Run, title: TrackTitle) -> str:
    """What the track's title has behind its name, where only the name is there; what stands before it says little."""
    if run.whole or run.target != title.short or not title.name.startswith(f"{title.short} "):
        return ""
    return title.name.removeprefix(f"{title.short} ")


def parse_title(track: QueryFeatures, result: ResultFeatures) -> ParsedTitle:
    """Parse the result's title against the track's. A title that equals it as written needs no interpretation."""
    if track.title.whole == result.text:
        return ParsedTitle()
    pieces = result.segments
    run = max(_runs(pieces, track), key=lambda run: run.similarity)
    others = [piece for at, piece in enumerate(pieces) if not run.start <= at < run.end]
    rest = _sort_segments(others, track, result)
    rest.add_versions(_added_words(run))
    rest.add_versions(_without_artists(run.beside, track))
    rest.named |= set(strip_marks(run.beside).split())
    dropped = _dropped(run, track.title)
    return ParsedTitle(
        run.similarity,
        frozenset(rest.exclusive),
        frozenset(rest.cosmetic),
        frozenset(filter(None, rest.descriptors)),
        run.whole,
        tuple(rest.extras),
        tuple(rest.foreign),
        frozenset(rest.named),
        numbers_differ(run.text, run.target) or bool(rest.numbers()) or any(map(_is_number, dropped.split())),
        share_script(run.text, track.title.name),
        dropped,
    )


def _sort_segments(pieces: list[Segment], track: QueryFeatures, result: ResultFeatures) -> _Rest:
    rest, name_before, behind_version = _Rest(), "", False
    for piece in pieces:
        kind, text = _explain(piece, track, result)
        if kind == "extra" and behind_version and not piece.bracketed:
            rest.descriptors[-1] |= descriptor(find_versions(text))  # "Live at the Hall - May 3rd, 1986"
            continue
        if kind == "extra" and name_before and piece.bracketed and not share_script(name_before, text):
            kind, text = "names", name_before  # a name, and behind it the same name in another script
        if kind == "version":
            rest.add_versions(text)
            rest.descriptors.append(descriptor(find_versions(split_featuring(text)[0] or text)))
        elif kind == "names":
            rest.named |= set(strip_marks(text).split())
        elif kind == "extra":
            (rest.extras if share_script(text, track.title.name) else rest.foreign).append(text)
        name_before = text if kind == "names" else ""
        behind_version = kind == "version" and not piece.bracketed
    return rest


def _runs(pieces: tuple[Segment, ...], track: QueryFeatures) -> Iterator[_Run]:
    """Every run of neighbouring segments, with and without the artists' names at its ends."""
    for start in range(len(pieces)):
        for end in range(start + 1, min(len(pieces), start + _LONGEST_RUN) + 1):
            joined = " ".join(piece.text for piece in pieces[start:end])
            before, beside = split_featuring(joined)
            yield _nearest(before or joined, start, end, beside if before else "", track.title)
            words, stripped = _strip_names(before, track)
            if words and stripped:
                yield _nearest(words, start, end, f"{stripped} {beside}", track.title)


def _nearest(text: str, start: int, end: int, beside: str, title: TrackTitle) -> _Run:
    # Equally similar runs: the fewer words have to be explained away, the better; hence the last term.
    cost = 0.001 * (end - start) + (0.0005 if beside else 0)
    targets = [(title.name, 1.0, False), (title.short, _WITHOUT_BRACKET, False)]
    if title.exclusive or title.cosmetic:
        targets.append((title.whole, 1.0, True))
    best, nearest, whole = -1.0, title.name, False
    for target, weight, is_whole in targets:
        similar = similarity(text, target) * weight - cost
        if similar > best:
            best, nearest, whole = similar, target, is_whole
    return _Run(best, start, end, text, nearest, beside, whole)


def _strip_names(text: str, track: QueryFeatures) -> tuple[str, str]:
    """Words that are names or noise, taken off both ends of ``text``: what is left, and what was taken."""
    tokens = text.split()
    start, end = 0, len(tokens)
    while start < end and strip_marks(tokens[start]) in track.explained:
        start += 1

    def is_beside(at: int) -> bool:
        return strip_marks(tokens[at]) in track.explained or not strip_noise(tokens[at])

    while end > start and is_beside(end - 1):
        if YEAR.match(tokens[end - 1]) and not (end - 1 > start and is_beside(end - 2)):
            break  # "Title 2010" is made anew; "Title (Video) 2010" tells when the video was
        end -= 1
    return " ".join(tokens[start:end]), " ".join(tokens[:start] + tokens[end:])


def _added_words(run: _Run) -> str:
    """The words of the run that the track's name has not, in their order."""
    spare = Counter(strip_marks(run.target).split())
    added = []
    for word in run.text.split():
        plain = strip_marks(word)
        if spare[plain]:
            spare[plain] -= 1
        else:
            added.append(word)
    return " ".join(added)


def _without_artists(text: str, track: QueryFeatures) -> str:
    return " ".join(word for word in text.split() if strip_marks(word) not in track.artist_words)


def _explain(piece: Segment, track: QueryFeatures, result: ResultFeatures) -> tuple[str, str]:
    """What a segment beside the song's name is: "names", "version", "nothing" or "extra", and its text."""
    tokens = set(name_words(piece.text))
    if not piece.bracketed and tokens <= (track.artist_words | result.artist_words):
        return "names", piece.text
    if names := featured_names(piece):
        is_version = bool(find_versions(_without_artists(names, track)).exclusive)
        return ("version" if is_version else "names"), names
    if piece.text in (track.title.name, track.title.short, track.album.text) or is_noise(piece):
        return "nothing", piece.text
    versions = find_versions(piece.text)
    if not piece.bracketed and versions.exclusive and tokens & track.artist_words:
        versions = find_versions(_without_artists(piece.text, track))
    if versions.exclusive or versions.cosmetic:
        return "version", piece.text
    before, names = split_featuring(piece.text)
    rest = set(strip_noise(strip_marks(before))) - track.artist_words - result.artist_words - CONNECTORS
    if not rest - {"by"}:
        return "names", f"{before} {names}"
    return "extra", piece.text
