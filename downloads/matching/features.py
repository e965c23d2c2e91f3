"""What is compared: a track and a search result, each text of theirs parsed once into a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from downloads.matching.album_name import declared_versions
from downloads.matching.title_text import (
    CONNECTORS,
    Segment,
    name_words,
    normalise,
    split_names,
    split_scripts,
    split_segments,
)
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
    """One artist field. ``key`` is its identifying words; ``keys`` those of every name that the field may join.

    ``aliases`` are the keys that mean this very artist: the whole and, where it is written in two scripts, each half.
    """

    written: str
    text: str
    words: tuple[str, ...]
    key: str
    keys: frozenset[str]
    aliases: frozenset[str]

    @classmethod
    def of(cls, written: str) -> Self:
        text = normalise(written)
        words = name_words(text)
        keys = frozenset(" ".join(name_words(name)) for name in split_names(written))
        halves = frozenset(" ".join(name_words(half)) for half in split_scripts(written))
        key = " ".join(words)
        return cls(written, text, words, key, keys | halves, halves | {key})


def artist_names(artists: tuple[str, ...]) -> tuple[ArtistName, ...]:
    """The artists with a name, in their order."""
    return tuple(ArtistName.of(artist) for artist in artists if artist.strip())


@dataclass(frozen=True, slots=True)
class AlbumName:
    """An album's name: normalised, without its brackets, and the versions that it names.

    ``declared`` are those that it says of all its tracks ("Live at …", "(Acoustic)"); the others may be part of a name
    like any other ("The Hilltop Sessions").
    """

    written: str
    text: str
    short: str
    versions: frozenset[str]
    declared: frozenset[str]

    @classmethod
    def of(cls, written: str) -> Self:
        if not written:
            return cls("", "", "", frozenset(), frozenset())
        text = normalise(written)
        short = parse_track_title(written, ()).short
        return cls(written, text, short, find_versions(text).exclusive, declared_versions(written))


@dataclass(frozen=True, slots=True)
class QueryFeatures:
    """A track's texts, parsed once for all results of a search.

    ``versions`` are those of the whole title, ``explained`` the words that may stand at both ends of a result's title.
    """

    query: TrackQuery
    title: TrackTitle
    versions: frozenset[str]
    artists: tuple[ArtistName, ...]
    artist_words: frozenset[str]
    explained: frozenset[str]
    album: AlbumName

    @classmethod
    def of(cls, query: TrackQuery) -> Self:
        title = parse_track_title(query.title, query.artists)
        artists = artist_names(query.artists)
        words = frozenset(word for artist in artists for word in artist.words)
        versions = find_versions(title.whole).exclusive
        explained = words | CONNECTORS | {"by"}
        return cls(query, title, versions, artists, words, explained, AlbumName.of(query.album))

    def names_album(self, album: AlbumName) -> bool:
        """Whether an album is called as the song: "Song (Acoustic)" often holds the plain song as well."""
        return album.short in (self.title.name, self.title.short)

    @property
    def says_clean(self) -> bool:
        """Whether title or album call themselves the clean cut."""
        return "clean" in self.title.cosmetic | find_versions(self.album.text).cosmetic

    @property
    def is_single(self) -> bool:
        """Whether the track's own album is called as the song."""
        return self.names_album(self.album)


@dataclass(frozen=True, slots=True)
class ResultFeatures:
    """A search result's texts, parsed once.

    ``artist_words`` explain words of its title, as a channel's name does; ``words`` are the title's identifying words
    with a space around each.
    """

    result: SearchResult
    text: str
    words: str
    segments: tuple[Segment, ...]
    artists: tuple[ArtistName, ...]
    artist_words: frozenset[str]
    album: AlbumName

    @classmethod
    def of(cls, result: SearchResult) -> Self:
        artists = artist_names(result.artists)
        words = frozenset(word for artist in artists for word in artist.words)
        text, segments = normalise(result.title), split_segments(result.title)
        padded = f" {' '.join(name_words(text))} "
        return cls(result, text, padded, segments, artists, words, AlbumName.of(result.album))

    @property
    def is_video(self) -> bool:
        return self.result.kind == "video"

    @property
    def title(self) -> TrackTitle:
        """Its title by itself, as a track's: the guests and the version that it names."""
        return parse_track_title(self.result.title, self.result.artists)
