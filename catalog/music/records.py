"""The values that every source of a library yields: one shape for Spotify, exports and playlist files.

Pure values, no Django. A source reads what it can and leaves the rest unknown (``None`` or ``""``):
unknown is never "not there". `catalog.spotify.sync.replace_catalog` is the only consumer that writes them down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from catalog.text.sanitize import storable

VARIOUS_ARTISTS = "0LyfQWJT6nXafLPZqxe9Of"  # the artist id under which Spotify files compilations
SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}\Z")
_URI = re.compile(r"(?:spotify:[a-z]+:)?([0-9A-Za-z]{22})\Z")  # how nearly all ids are written
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}\Z")

# What a collection is. The value stands in the database.
LIKED, PLAYLIST, ALBUM, FILE = "liked", "playlist", "album", "file"

# Why an entry can be no track. It keeps its place, so that a collection's total always adds up.
EPISODE = "episode"  # a podcast episode or audiobook chapter
LOCAL = "local"  # a file on somebody's computer that Spotify only lists
WITHDRAWN = "withdrawn"  # Spotify lists the place, but no longer the track (a null item)
UNREADABLE = "unreadable"  # neither title nor artist could be read
LINK = "link"  # a Spotify id alone, kept in the label: named once an account is connected
ALBUM_LINK = "spotify:album:"  # how the label of a link begins that stands for all songs of an album
REASONS = (EPISODE, LOCAL, WITHDRAWN, UNREADABLE, LINK)


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """One recording as a source describes it.

    ``artists`` are in billing order, the main artist first. ``duration_ms`` is None where unknown (privacy
    exports). ``spotify_id`` and ``album_spotify_id`` are 22 base-62 characters or "". ``release_date`` is
    "YYYY", "YYYY-MM", "YYYY-MM-DD" or "". ``isrc`` is upper case without hyphens, or "". ``album_tracks`` is how many
    tracks the album has, on all its discs; ``album_type`` is "album", "single", "compilation" or "".
    """

    title: str
    artists: tuple[str, ...]
    album: str = ""
    album_artists: tuple[str, ...] = ()
    duration_ms: int | None = None
    isrc: str = ""
    spotify_id: str = ""
    album_spotify_id: str = ""
    track_number: int | None = None
    disc_number: int | None = None
    release_date: str = ""
    explicit: bool | None = None
    compilation: bool = False
    cover_url: str = ""
    album_tracks: int | None = None
    album_type: str = ""
    label: str = ""
    copyright: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its values: what `dataclasses` does for frozen ones costs three times as much."""
        return TrackRecord, track_values(self)


track_values = attrgetter(*(column.name for column in fields(TrackRecord)))  # all of a TrackRecord's, in order


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """A place in a collection: a track, or the reason why there is none (one of ``REASONS``).

    ``label`` is what a person sees where there is no track, e.g. the name of the episode.
    """

    track: TrackRecord | None = None
    reason: str = ""
    label: str = ""
    added_at: datetime | None = None

    def __post_init__(self) -> None:
        if (self.track is None) == (self.reason == ""):
            raise ValueError("an entry is either a track or has a reason")

    def __reduce__(self) -> tuple[Any, ...]:
        return EntryRecord, (self.track, self.reason, self.label, self.added_at)


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """A collection as read. ``entries`` are in the order of the collection.

    ``key`` is the source's own stable id ("liked", a playlist or album id, the name of an imported file).
    ``account`` is the owner's account id at the source, "" for imported files. ``total`` is what the source
    *says* it holds (None: it does not say). ``complete`` is True only if all of it was read and confirmed;
    otherwise ``problem`` says why not, in a sentence, and nothing may be removed on account of this record.
    ``closed`` marks a collection that the source lists but does not open to us; it has no entries.
    ``unchanged`` marks one whose ``snapshot`` equals the one that the catalog knows: entries were not read.
    """

    kind: str
    key: str
    name: str
    entries: Sequence[EntryRecord] = field(default=(), repr=False)
    account: str = ""
    total: int | None = None
    snapshot: str = ""
    complete: bool = True
    problem: str = ""
    closed: bool = False
    unchanged: bool = False
    owner: str = ""


def storable_record(record: CollectionRecord) -> CollectionRecord:
    """The record with every text as a database stores it; itself where nothing had to be taken out."""
    entries = record.entries
    if not all(map(_is_plain, entries)):
        entries = [entry if _is_plain(entry) else _storable(entry) for entry in entries]
    own = {name: getattr(record, name) for name in _COLLECTION_TEXTS}
    if entries is record.entries and all(map(str.isprintable, own.values())):
        return record
    changes: dict[str, Any] = {name: storable(text) for name, text in own.items()}
    return replace(record, entries=entries, **changes)


_COLLECTION_TEXTS = ("key", "name", "account", "snapshot", "problem", "owner")


def _is_plain(entry: EntryRecord) -> bool:
    """A quick look at what nearly all entries are: texts in which every character can be shown."""
    track = entry.track
    if track is None:
        return entry.label.isprintable()
    names = (*track.artists, *track.album_artists, track.label, track.copyright)
    return "".join((track.title, track.album, track.cover_url, track.release_date, *names)).isprintable()


def _storable(entry: EntryRecord) -> EntryRecord:
    track = entry.track
    if track is None:
        return replace(entry, label=storable(entry.label))
    return replace(
        entry,
        track=replace(
            track,
            title=storable(track.title),
            artists=tuple(map(storable, track.artists)),
            album=storable(track.album),
            album_artists=tuple(map(storable, track.album_artists)),
            release_date=storable(track.release_date),
            cover_url=storable(track.cover_url),
            label=storable(track.label),
            copyright=storable(track.copyright),
        ),
    )


def clean_isrc(text: str) -> str:
    """The ISRC in ``text`` in its canonical form, or "" if there is none (ISO 3901: 2 letters, 3 alnum, 7 digits)."""
    if _ISRC.match(text):
        return text
    candidate = re.sub(r"[\s-]", "", text).upper()
    return candidate if _ISRC.match(candidate) else ""


def spotify_id_of(text: str) -> str:
    """The 22-character id in a bare id, a ``spotify:track:…`` URI or an open.spotify.com address, else ""."""
    if match := _URI.match(text):
        return match[1]
    tail = text.strip().split("?", 1)[0].rstrip("/")
    tail = re.split(r"[:/]", tail)[-1]
    return tail if SPOTIFY_ID.match(tail) else ""
