"""What tells a recording from the wished one, word by word, for pages that mark it. Judges nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from downloads.matching.compare_artists import is_listed
from downloads.matching.features import ArtistName, SearchResult, TrackQuery, artist_names
from downloads.matching.title_text import CONNECTORS, name_words, normalise
from downloads.matching.version_words import find_versions, strip_noise

_PIECES = re.compile(r"[(\[（【][^()\[\]（）【】]*[)\]）】]|\S+")  # what stands in brackets says one thing


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text as it is written, and whether it says something that the wish does not."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Differences:
    """A result's texts cut into parts; ``missing`` are the words of the wished title that it has nowhere."""

    title: tuple[Part, ...]
    artists: tuple[Part, ...]
    album: tuple[Part, ...]
    missing: str

    @property
    def kind(self) -> tuple[str, ...]:
        """What is added and what is missing, comparable between the songs of an album."""
        added = [" ".join(name_words(normalise(part.text))) for part in self.title if part.differs]
        added += [" ".join(name_words(normalise(part.text))) for part in self.artists if part.differs]
        return (*added, "without", normalise(self.missing))


def differences(query: TrackQuery, result: SearchResult) -> Differences:
    """Compare the texts of a result with those of a track. Never raises, whatever the texts are."""
    wished = artist_names(query.artists)
    known = _words(query.title, query.album, *query.artists) | CONNECTORS | {"by", "feat", "ft", "featuring", "with"}
    there = _words(result.title, *result.artists)
    title = _merged(Part(piece, _differs(piece, known)) for piece in _PIECES.findall(result.title))
    artists = tuple(Part(name, not _is_known(name, wished, known)) for name in result.artists)
    missing = [
        piece for piece in _PIECES.findall(query.title) if _differs(piece, there | CONNECTORS | {"feat", "ft", "with"})
    ]
    return Differences(title, artists, _album(query, result.album), " ".join(missing))


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in name_words(normalise(text)))


def _differs(written: str, known: frozenset[str]) -> bool:
    """Whether a word says something new; "Official", "Video" and a sign by itself do not."""
    words = set(name_words(normalise(written))) - known
    return any(any(map(str.isalnum, word)) and strip_noise(word) for word in words)


def _is_known(name: str, wished: Sequence[ArtistName], known: frozenset[str]) -> bool:
    artist = ArtistName.of(name)
    return not wished or is_listed(artist, wished) or set(artist.words) <= known


def _album(query: TrackQuery, album: str) -> tuple[Part, ...]:
    """The album, marked where it names a version that neither the song nor its own album names: "Live at …"."""
    if not album:
        return ()
    wished = find_versions(normalise(query.title)).exclusive | find_versions(normalise(query.album)).exclusive
    return (Part(album, bool(find_versions(normalise(album)).exclusive - wished)),)


def _merged(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Neighbours of one kind as one part, so that "(Live, 1998)" is one mark."""
    merged: list[Part] = []
    for part in parts:
        if merged and merged[-1].differs == part.differs:
            merged[-1] = Part(f"{merged[-1].text} {part.text}", part.differs)
        else:
            merged.append(part)
    return tuple(merged)
