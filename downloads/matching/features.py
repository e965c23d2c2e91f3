"""What is compared: a track and a search result, each text of theirs parsed once into a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from downloads.matching.title_text import Segment, name_words, normalise, split_names, split_segments
from downloads.matching.track_title import TrackTitle, parse_track_title
from downloads.matching.version_words import find_versions


@dataclass(frozen=True, slots=True)
class TrackQuery:
    """What a track row says. ``duration_ms`` None, ``""`` and ``()`` mean unknown; artists in billing order."""

    title: str
    artists: tuple[str, ...]
    album: str = ""
    duration_ms: int | None = None
    isrc: str = ""
    explicit: bool | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search answered. ``kind`` is "song" (a release), "video" (an upload) or "file" (one's own server)."""

    id: str
    title: str
    artists: tuple[str, ...] = ()
    album: str = ""
    duration_ms: int | None = None
    url: str = ""
    kind: str = "song"
    isrc: str = ""
    explicit: bool | None = None
    views: int | None = None


@dataclass(frozen=True, slots=True)
class ArtistName:
    """One artist field. ``key`` is its identifying words; ``keys`` those of every name that the field may join."""

    written: str
    text: str
    words: tuple[str, ...]
    key: str
    keys: frozenset[str]

    @classmethod
    def of(cls, written: str) -> Self:
        text = normalise(written)
        words = name_words(text)
        keys = frozenset(" ".join(name_words(name)) for name in split_names(written))
        return cls(written, text, words, " ".join(words), keys)


def artist_names(artists: tuple[str, ...]) -> tuple[ArtistName, ...]:
    """The artists with a name, in their order."""
    return tuple(ArtistName.of(artist) for artist in artists if artist.strip())


@dataclass(frozen=True, slots=True)
class AlbumName:
    """An album's name: normalised, without its brackets, and the versions that it names."""

    written: str
    text: str
    short: str
    versions: frozenset[str]

    @classmethod
    def of(cls, written: str) -> Self:
        if not written:
            return cls("", "", "", frozenset())
        text = normalise(written)
        return cls(written, text, parse_track_title(written, ()).short, find_versions(text).exclusive)


@dataclass(frozen=True, slots=True)
class QueryFeatures:
    """A track's texts, parsed once for all results of a search. ``versions`` are those of the whole title."""

    query: TrackQuery
    title: TrackTitle
    versions: frozenset[str]
    artists: tuple[ArtistName, ...]
    artist_words: frozenset[str]
    album: AlbumName

    @classmethod
    def of(cls, query: TrackQuery) -> Self:
        title = parse_track_title(query.title, query.artists)
        artists = artist_names(query.artists)
        words = frozenset(word for artist in artists for word in artist.words)
        versions = find_versions(title.whole).exclusive
        return cls(query, title, versions, artists, words, AlbumName.of(query.album))


@dataclass(frozen=True, slots=True)
class ResultFeatures:
    """A search result's texts, parsed once. ``artist_words`` explain words of its title, as a channel's name does."""

    result: SearchResult
    text: str
    segments: tuple[Segment, ...]
    artists: tuple[ArtistName, ...]
    artist_words: frozenset[str]
    album: AlbumName

    @classmethod
    def of(cls, result: SearchResult) -> Self:
        artists = artist_names(result.artists)
        words = frozenset(word for artist in artists for word in artist.words)
        text, segments = normalise(result.title), split_segments(result.title)
        return cls(result, text, segments, artists, words, AlbumName.of(result.album))

    @property
    def is_video(self) -> bool:
        return self.result.kind == "video"

    @property
    def featured(self) -> frozenset[str]:
        """The guests that its title names."""
        return parse_track_title(self.result.title, self.result.artists).featured
