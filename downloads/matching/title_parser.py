"""A candidate's title read in the light of a wish: which part is the song, and what the rest says. Pure.

Upload titles follow no order ("Artist - Title", "Title | Artist (Lyrics)", 「Title」 Official Video, "Artist Title
live"): so no part has a fixed meaning. The run of segments that is nearest to the wished name is the song; every other
word must be explained by the wish's artists, its album or by words that say nothing, or it counts against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from downloads.matching.similarity import ROMAN, count_differently, likeness
from downloads.matching.title_text import (
    CONNECTORS,
    Segment,
    Title,
    comparable,
    cut_featuring,
    descriptor,
    featuring,
    fold,
    says_nothing,
    segments,
    skeleton,
    words,
)
from downloads.matching.version_words import YEAR, versions_in, without_noise

_LONGEST_RUN = 4  # segments; a song's own name has rarely more than two
_WITHOUT_BRACKET = (
    0.92  # only the wished name's first part is there: "Satisfaction" for "(I Can't Get No) Satisfaction"
)


@dataclass(frozen=True, slots=True)
class Names:
    """The names by which a title's other words may be explained, as folded words without marks."""

    artists: tuple[tuple[str, ...], ...]
    channel: frozenset[str]
    album: str

    @property
    def artist_words(self) -> frozenset[str]:
        return frozenset(word for name in self.artists for word in name)


@dataclass(frozen=True, slots=True)
class ParsedTitle:
    """What a candidate's title says. ``closeness`` is 0..1; ``extras`` are segments that nothing explains."""

    closeness: float
    hard: frozenset[str]
    soft: frozenset[str]
    descriptors: frozenset[frozenset[str]]
    covers_versions: bool
    extras: tuple[str, ...]
    foreign: tuple[str, ...]
    named: frozenset[str]
    other_number: bool
    comparable: bool


@dataclass(frozen=True, slots=True)
class _Run:
    closeness: float
    start: int
    end: int
    text: str
    target: str
    beside: str
    covers_versions: bool


@dataclass(slots=True)
class _Rest:
    """What stands beside the song's name, sorted."""

    hard: set[str] = field(default_factory=set)
    soft: set[str] = field(default_factory=set)
    described: list[frozenset[str]] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    def add_versions(self, text: str) -> None:
        versions = versions_in(text)
        self.hard |= versions.hard
        self.soft |= versions.soft

    def numbers(self) -> list[str]:
        return [number for text in (*self.extras, *self.foreign) for number in _numbers(text)]


def read(title: str, wish: Title, names: Names) -> ParsedTitle:
    """Read a candidate's ``title`` against the wished one."""
    pieces = segments(title)
    run = max(_runs(pieces, wish, names), key=lambda run: run.closeness)
    rest = _sort_out([piece for at, piece in enumerate(pieces) if not run.start <= at < run.end], wish, names)
    rest.add_versions(_added_words(run))
    rest.add_versions(_not_artists(run.beside, names))
    rest.named |= set(skeleton(run.beside).split())
    return ParsedTitle(
        run.closeness,
        frozenset(rest.hard),
        frozenset(rest.soft),
        frozenset(filter(None, rest.described)),
        run.covers_versions,
        tuple(rest.extras),
        tuple(rest.foreign),
        frozenset(rest.named),
        count_differently(run.text, run.target) or bool(rest.numbers()),
        comparable(run.text, wish.name),
    )


def _sort_out(pieces: list[Segment], wish: Title, names: Names) -> _Rest:
    rest, name_before, behind_version = _Rest(), "", False
    for piece in pieces:
        kind, text = _explain(piece, wish, names)
        if kind == "extra" and behind_version and not piece.bracketed:
            rest.described[-1] |= descriptor(versions_in(text))  # "Live at the Hall - May 3rd, 1986"
            continue
        if kind == "extra" and name_before and piece.bracketed and not comparable(name_before, text):
            kind, text = "names", name_before  # a name, and behind it the same name in another script
        if kind == "version":
            rest.add_versions(text)
            rest.described.append(descriptor(versions_in(cut_featuring(text)[0] or text)))
        elif kind == "names":
            rest.named |= set(skeleton(text).split())
        elif kind == "extra":
            (rest.extras if comparable(text, wish.name) else rest.foreign).append(text)
        name_before = text if kind == "names" else ""
        behind_version = kind == "version" and not piece.bracketed
    return rest


def _runs(pieces: tuple[Segment, ...], wish: Title, names: Names) -> Iterator[_Run]:
    """Every run of neighbouring segments, with and without the artists' names at its ends."""
    for start in range(len(pieces)):
        for end in range(start + 1, min(len(pieces), start + _LONGEST_RUN) + 1):
            joined = " ".join(piece.text for piece in pieces[start:end])
            before, beside = cut_featuring(joined)
            yield _nearest(before or joined, start, end, beside if before else "", wish)
            kept, stripped = _strip(before, names)
            if kept and stripped:
                yield _nearest(kept, start, end, f"{stripped} {beside}", wish)


def _nearest(text: str, start: int, end: int, beside: str, wish: Title) -> _Run:
    # Equally near readings: the fewer words have to be explained away, the better; hence the last term.
    cost = 0.001 * (end - start) + (0.0005 if beside else 0)
    targets = ((wish.name, 1.0, False), (wish.short, _WITHOUT_BRACKET, False), (wish.whole, 1.0, True))
    options = [
        _Run(likeness(text, target) * weight - cost, start, end, text, target, beside, covers)
        for target, weight, covers in targets
        if not covers or (wish.hard or wish.soft)
    ]
    return max(options, key=lambda run: run.closeness)


def _strip(text: str, names: Names) -> tuple[str, str]:
    """Words that are names or noise, taken off both ends of ``text``: what is left, and what was taken."""
    explained = names.artist_words | CONNECTORS | {"by"}
    tokens = text.split()
    start, end = 0, len(tokens)
    while start < end and skeleton(tokens[start]) in explained:
        start += 1

    def is_beside(at: int) -> bool:
        return skeleton(tokens[at]) in explained or not without_noise(tokens[at])

    while end > start and is_beside(end - 1):
        if YEAR.match(tokens[end - 1]) and not (end - 1 > start and is_beside(end - 2)):
            break  # "Title 2010" is made anew; "Title (Video) 2010" tells when the video was
        end -= 1
    return " ".join(tokens[start:end]), " ".join(tokens[:start] + tokens[end:])


def _added_words(run: _Run) -> str:
    """The words of the run that the wished name has not, in their order."""
    spare = Counter(skeleton(run.target).split())
    added = []
    for word in run.text.split():
        plain = skeleton(word)
        if spare[plain]:
            spare[plain] -= 1
        else:
            added.append(word)
    return " ".join(added)


def _not_artists(text: str, names: Names) -> str:
    return " ".join(word for word in text.split() if skeleton(word) not in names.artist_words)


def _explain(piece: Segment, wish: Title, names: Names) -> tuple[str, str]:
    """What a segment beside the song's name is: "names", "version", "nothing" or "extra", and its text."""
    tokens = set(words(piece.text))
    if not piece.bracketed and tokens <= (names.artist_words | names.channel):
        return "names", piece.text
    if who := featuring(piece):
        versions = versions_in(_not_artists(who, names))
        return ("version", who) if versions.hard else ("names", who)
    if piece.text in (wish.name, wish.short, names.album) or says_nothing(piece):
        return "nothing", piece.text
    versions = versions_in(piece.text)
    if not piece.bracketed and versions.hard:
        versions = versions_in(_not_artists(piece.text, names)) if tokens & names.artist_words else versions
    if versions.hard or versions.soft:
        return "version", piece.text
    before, who = cut_featuring(piece.text)
    left = set(without_noise(skeleton(before))) - names.artist_words - names.channel - CONNECTORS
    if not left - {"by"}:
        return "names", f"{before} {who}"
    return "extra", piece.text


def _numbers(text: str) -> list[str]:
    """The numbers in what stands beside the name: "Part 2" is another song."""
    return [word for word in text.split() if word.isdigit() or word in ROMAN]


def names_of(artists: tuple[str, ...], channel: tuple[str, ...], album: str) -> Names:
    """The names that may stand in a candidate's title without saying anything new."""
    own = tuple(words(fold(artist)) for artist in artists if artist.strip())
    return Names(own, frozenset(word for name in channel for word in words(fold(name))), fold(album) if album else "")
