"""What every file reader hands back, and the few rules they share: clean text, names, dates. Pure.

A reader never guesses in silence. What it could not understand stands in ``ReadFile.skipped`` and keeps its
place as an entry with a reason, so that ``entries = tracks + skipped`` holds for every file.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from catalog.music.records import (
    ALBUM,
    ALBUM_LINK,
    EPISODE,
    FILE,
    LINK,
    LOCAL,
    UNREADABLE,
    WITHDRAWN,
    CollectionRecord,
    EntryRecord,
    TrackRecord,
)
from catalog.text.sanitize import clean_text
from catalog.text.user_error import UserError

MAX_TEXT = 1000  # characters of a title, artist or album; the longest real one known has about 500
MAX_NAME = 200  # characters of a collection's name and key: file systems allow 255 bytes
MAX_LABEL = 300  # characters shown of a line that was not understood
MAX_ENTRIES = 250_000  # places in one file: five times the largest real library seen, about 1 GB in memory
MAX_LINE = 10_000  # characters of one line of a text or table
MAX_COLLECTIONS = 10_000  # lists in one file: as many playlists as Spotify allows
MAX_DURATION_MS = 2**31 - 1  # what an integer column holds; 24 days

_EXTENSION = re.compile(r"\.(csv|tsv|txt|json|m3u8?|pls|xspf|spotdl|xml|zip)\Z", re.IGNORECASE)
# What browsers and file managers add to a second copy. Exportify itself writes no spaces, so that a playlist
# called "Mix (2)" arrives as "mix_(2).csv" and keeps its number.
_COPY = re.compile(r"( \(\d{1,2}\)| - (Copy|Kopie|Copie|Copia))+\Z", re.IGNORECASE)
_EPISODE = re.compile(r"spotify:(episode|chapter|show):|/(episode|chapter)/")
_LIKED = {"liked", "liked songs"}  # what the Exportify family calls the liked songs, in every language so far


class UnreadableFile(UserError):
    """The file is no library. ``str(error)`` is one sentence that says so and what to do next."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that was not understood: its number (1 = first; in JSON the item's number), text and reason."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file as understood. ``error`` is set, and ``collections`` empty, for a bad file inside a good zip.

    ``ranking`` holds how often each entry was played, where the file is a history of which a person takes the top.
    ``albums`` are those that the file names by their Spotify ids, without their songs: see `album_link`.
    """

    name: str
    kind: str
    collections: tuple[CollectionRecord, ...] = field(default=(), repr=False)
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""
    ranking: tuple[int, ...] = field(default=(), repr=False)
    albums: tuple[CollectionRecord, ...] = field(default=(), repr=False)

    @property
    def entries(self) -> int:
        """Places in all collections of the file."""
        return sum(len(collection.entries) for collection in self.collections)

    @property
    def tracks(self) -> int:
        """Places that lead to a track."""
        return self.entries - sum(self.reasons.values())

    @property
    def reasons(self) -> dict[str, int]:
        """How many places lead to no track, by reason (`catalog.music.records.REASONS`)."""
        return dict(Counter(e.reason for c in self.collections for e in c.entries if e.track is None))


# A list in a file: its name, its entries, and those that were not understood.
NamedList = tuple[str, list[EntryRecord], list[Skipped]]


def clean(text: object, limit: int = MAX_TEXT) -> str:
    """``text`` as one line of at most ``limit`` characters; anything but a string is ""."""
    return clean_text(text, limit) if isinstance(text, str) else ""


def collection_name(file_name: str) -> tuple[str, str]:
    """Key and readable name of the collection that a file of this name holds.

    A newer export of the same playlist has the same key: case, Unicode form, folders, underscores and a
    browser's " (1)" make no difference.
    """
    base = re.split(r"[/\\]", file_name)[-1]
    stem = _COPY.sub("", _EXTENSION.sub("", clean(base)))
    name = " ".join(stem.replace("_", " ").split())[:MAX_NAME].strip()
    key = folded(name)
    if key in _LIKED:
        return "liked", "Liked songs"
    return (key, name) if key else ("unnamed", "Unnamed")


def folded(name: str) -> str:
    """``name`` as a key: NFC and casefold, at most ``MAX_NAME`` characters."""
    return unicodedata.normalize("NFC", name.casefold())[:MAX_NAME].strip()


def shown(name: str) -> str:
    """A file's name, short enough and safe enough to stand in a sentence."""
    name = clean(name, MAX_NAME)
    return name if len(name) <= 80 else f"{name[:60]}…{name[-15:]}"


def moment(text: str) -> datetime | None:
    """An ISO 8601 date or time as UTC, or None. Without a zone it is taken as UTC, as Spotify writes it.

    Spotify gives 1970-01-01 for what it no longer knows; that is unknown here.
    """
    try:
        value = datetime.fromisoformat(text.strip())
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return value if value.year > 1970 else None


def whole_number(text: str, most: int) -> int | None:
    """A number from 1 to ``most``, or None: Spotify writes 0 for "unknown"."""
    text = text.strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else 0
    return number if 1 <= number <= most else None


def no_track(uri: str) -> str:
    """The reason why this Spotify URI can be no track, or ""."""
    if uri.startswith("spotify:local:"):
        return LOCAL
    return EPISODE if not uri.startswith("spotify:track:") and _EPISODE.search(uri) else ""


def local_label(uri: str) -> str:
    """ "Artist - Title" of a ``spotify:local:artist:album:title:seconds`` URI, as far as it says."""
    parts = [clean(unquote_plus(part)) for part in uri.split(":")[2:]]
    artist, title = (parts[0], parts[2]) if len(parts) >= 3 else ("", "")
    return clean(f"{artist} - {title}".strip(" -"), MAX_LABEL)


def as_entry(
    track: TrackRecord, uri: str, added_at: datetime | None = None, label: str = ""
) -> tuple[EntryRecord, str]:
    """The entry for a described track, and why it was not understood ("" where it was).

    A track without a title is one that Spotify has taken back, where there is still its address; without an
    artist it is understood only where a Spotify id or an ISRC says which recording is meant.
    """
    reason = no_track(uri)
    if not reason and track.title and (track.artists or track.spotify_id or track.isrc):
        return EntryRecord(track=track, added_at=added_at), ""
    label = clean(label or " - ".join(filter(None, [*track.artists[:1], track.title])), MAX_LABEL)
    if reason:
        return EntryRecord(reason=reason, label=label or local_label(uri), added_at=added_at), ""
    if not track.title and track.spotify_id:
        return EntryRecord(reason=WITHDRAWN, label=label or uri[:MAX_LABEL], added_at=added_at), ""
    if not track.title:
        return EntryRecord(reason=UNREADABLE, label=label, added_at=added_at), "there is no title"
    return EntryRecord(reason=UNREADABLE, label=label, added_at=added_at), "there is no artist"


def link_entry(spotify_id: str, added_at: datetime | None = None) -> EntryRecord:
    """A track of which only the id is known: it keeps its place until Spotify says its name."""
    return EntryRecord(reason=LINK, label=f"spotify:track:{spotify_id}", added_at=added_at)


def read_items(
    items: Iterable[Any],
    entry_of: Callable[[Any], tuple[EntryRecord, str]],
    text_of: Callable[[Any], str] = lambda item: "",
) -> tuple[list[EntryRecord], list[Skipped]]:
    """An entry for each item of a list, and those that were not understood, by their numbers (1 = first).

    ``text_of`` is what is shown of such an item, the entry's label where it is "".
    """
    entries, skipped = [], []
    for number, item in enumerate(items, 1):
        entry, problem = entry_of(item)
        entries.append(entry)
        if problem:
            skipped.append(Skipped(number, clean(text_of(item), MAX_LABEL) or entry.label, problem))
    return entries, skipped


def list_key(file_name: str, name: str) -> str:
    """The key of one of several lists in a file: a newer export of the file has the same."""
    return f"{collection_name(file_name)[0][: MAX_NAME // 2]}/{folded(name)}"[:MAX_NAME]


def file_of_lists(
    name: str, kind: str, lists: Iterable[NamedList], key_of: Callable[[str, str], str] = list_key, **more: Any
) -> ReadFile:
    """A file that holds several lists by name, within the limits of one library. Raises UnreadableFile beyond them."""
    collections: list[CollectionRecord] = []
    skipped: list[Skipped] = []
    places = 0
    for title, entries, misread in lists:
        title = clean(title, MAX_NAME) or "Unnamed"
        collections.append(as_collection(key_of(name, title), title, entries, len(misread)))
        skipped += misread
        places += len(entries)
        if places > MAX_ENTRIES or len(collections) > MAX_COLLECTIONS:
            most = f"{MAX_ENTRIES:,} tracks" if places > MAX_ENTRIES else f"{MAX_COLLECTIONS:,} playlists"
            raise UnreadableFile(f"{shown(name)} holds more than {most}: export it in parts.")
    return ReadFile(name, kind, tuple(collections), tuple(skipped), **more)


def album_link(spotify_id: str, name: str) -> CollectionRecord:
    """An album of which only id and name are known: a link, in whose place Spotify puts its songs."""
    link = EntryRecord(reason=LINK, label=f"{ALBUM_LINK}{spotify_id}")
    return CollectionRecord(ALBUM, spotify_id, clean(name, MAX_NAME) or spotify_id, (link,))


def note_on_links(collections: Iterable[CollectionRecord]) -> tuple[str, ...]:
    """What is to be said of links without names."""
    links = sum(entry.reason == LINK for collection in collections for entry in collection.entries)
    subject = "1 line is a link" if links == 1 else f"{links:,} lines are links"
    return (f"{subject} without a title: named and downloaded once a Spotify account is connected",) if links else ()


def as_collection(key: str, name: str, entries: Sequence[EntryRecord], misread: int) -> CollectionRecord:
    """A file's collection. A line that was not understood may be a track that is in the catalog already:
    such a read is not complete, and nothing is removed on its account."""
    problem = f"{misread} of {len(entries)} lines could not be understood" if misread else ""
    return CollectionRecord(FILE, key, name, tuple(entries), total=len(entries), complete=not misread, problem=problem)


def refuse_nonsense(file: ReadFile, way: str, needed: float = 0.25, why: str = "most lines name no song") -> None:
    """Raise UnreadableFile where fewer than this share of a file's lines were understood, or none at all."""
    understood = file.entries - len(file.skipped)
    if file.skipped and (understood == 0 or understood < needed * file.entries):
        first = file.skipped[0]
        raise UnreadableFile(
            f"{shown(file.name)} is no list of tracks: {why} (line {first.line}: {first.reason}); {way}."
        )


def limit_entries(items: list[Any], name: str) -> list[Any]:
    """The items of a list. Raises UnreadableFile where they are more than any library holds."""
    if len(items) > MAX_ENTRIES:
        raise UnreadableFile(f"{shown(name)} holds more than {MAX_ENTRIES:,} tracks: no Spotify library is that large.")
    return items


def file_size(count: int) -> str:
    """A number of bytes for a sentence."""
    return f"{count / 1_000_000:.0f} MB" if count >= 1_000_000 else f"{max(1, count // 1000)} kB"


def extension(name: str) -> str:
    """The name's extension in lower case, with its dot; ".csv" for a file that is called only that."""
    base = re.split(r"[/\\]", name)[-1].lower()
    return os.path.splitext("x" + base)[1]
