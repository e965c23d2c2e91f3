"""A person's whole Spotify library as collection records: liked songs, playlists, saved albums. Pure: no Django.

Two rules. *Complete or nothing removed*: a record is complete only if every page was read, the number of entries is
what Spotify says, and the list was the same before and after. *Incremental*: what Spotify says has not changed is not
read again. Playlists tell it by their `snapshot_id`; liked songs and albums by their head, because whatever is added
stands there, and by their total, because whatever is removed is missing from it. A list that Spotify cut off half way
is gone on with by the next sync (`half_read`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from catalog.music.records import ALBUM, LIKED, PLAYLIST, WITHDRAWN, CollectionRecord, EntryRecord, spotify_id_of
from catalog.spotify.checkpoint import Checkpoint
from catalog.spotify.errors import Kind, Refusal
from catalog.spotify.paging import CHANGED, Listing, read_pages
from catalog.spotify.parse import entry_of, entry_of_track, mapping, names, text

LIKED_KEY = "liked"
ATTEMPTS = 2  # a list that changed while it was read is read once more; then the next sync has to do it

# More empty places than this at once, and more than this share of a collection, are a fault until said twice.
MANY_EMPTY, EMPTY_SHARE = 5, 0.05

EMPTIED = "Spotify says it is empty now; what was in it is kept. Switch it off if it is meant to be empty."
CLOSED = "Spotify does not open this playlist to apps like yours."
LOST = "Spotify no longer opens this playlist to us; what was in it is kept."


class Interface(Protocol):
    """The calls that are made, each a page at an offset; they raise Refusal. ``calls`` counts them."""

    @property
    def calls(self) -> int: ...
    def liked(self, offset: int) -> Any: ...
    def playlists(self, offset: int) -> Any: ...
    def playlist(self, playlist_id: str) -> Any: ...
    def playlist_items(self, playlist_id: str, offset: int) -> Any: ...
    def albums(self, offset: int) -> Any: ...
    def album_tracks(self, album_id: str, offset: int) -> Any: ...


@dataclass(frozen=True, slots=True)
class KnownCollection:
    """What the catalog has of a collection. ``tracks`` and ``withdrawn`` count entries."""

    name: str
    snapshot: str = ""
    tracks: int = 0
    withdrawn: int = 0
    closed: bool = False
    problem: str = ""

    def stands_at(self, snapshot: str) -> bool:
        """Whether it was read whole at this very version."""
        return bool(snapshot) and self.snapshot == snapshot and not self.problem and not self.closed


UNKNOWN = KnownCollection("")
Known = Mapping[tuple[str, str], KnownCollection]
Unlisted = Collection[tuple[str, str]]  # kind and key of each


class LibraryReader(Iterator[CollectionRecord]):
    """The records of one account's library, read while they are asked for.

    After the last one: ``refusal`` says why the reading ended early (None: it did not), ``problems`` what else was
    wrong with the lists themselves, ``notes`` what Spotify left out of them without more being wrong, and
    ``still_there`` names every collection that must not be forgotten, ``unlisted`` those that are not listed while
    there are empty places in their list. ``folder`` keeps what was half read. ``long_unlisted`` were so a day ago.
    """

    def __init__(self, interface: Interface, user_id: str, known: Known, folder: Path, long_unlisted: Unlisted) -> None:
        self.interface = interface
        self.user_id = user_id
        self.known = known
        self.folder = folder
        self.long_unlisted = long_unlisted
        self.unlisted: set[tuple[str, str]] = set()
        self.refusal: Refusal | None = None
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.still_there: set[tuple[str, str]] = set(known)
        self._records = self._read()

    def __next__(self) -> CollectionRecord:
        return next(self._records)

    @property
    def calls(self) -> int:
        """Requests made so far."""
        return self.interface.calls

    def _read(self) -> Iterator[CollectionRecord]:
        for part in (self._liked, self._playlists, self._albums):
            for record in part():
                self.still_there.add((record.kind, record.key))
                yield record
                if self.refusal:
                    return
            if self.refusal:
                return

    def _refused(self, refusal: Refusal | None) -> None:
        if refusal and refusal.ends_the_read:
            self.refusal = refusal

    def _known(self, record: CollectionRecord) -> KnownCollection:
        return self.known.get((record.kind, record.key), UNKNOWN)

    # --- Liked songs ---

    def _liked(self) -> Iterator[CollectionRecord]:
        record = CollectionRecord(LIKED, LIKED_KEY, "Liked songs", account=self.user_id)
        try:
            first = self.interface.liked(0)
        except Refusal as refusal:
            self._refused(refusal)
            yield replace(record, complete=False, problem=refusal.reason)
            return
        snapshot = head(first)
        if self._known(record).stands_at(snapshot):
            yield replace(record, snapshot=snapshot, unchanged=True)
            return
        pages = _Pages(self.interface.liked, lambda: _at_head(self.interface.liked(0)), entry_of, first)
        pages.half = Checkpoint(self.folder, self.user_id, LIKED, LIKED_KEY)
        yield self._whole(replace(record, snapshot=snapshot), pages)

    # --- Playlists ---

    def _playlists(self) -> Iterator[CollectionRecord]:
        listing = read_pages(self.interface.playlists)
        records = {record.key: (record, raw) for raw in listing.items if (record := self._playlist_record(raw))}
        self._listed(PLAYLIST, "playlist", listing, set(records))
        if self.refusal:
            return
        # Those that made trouble come last: one that fails for ever must not keep the others from being read.
        for record, raw in sorted(records.values(), key=lambda pair: bool(self._known(pair[0]).problem)):
            yield self._playlist(record, raw)
            if self.refusal:
                return

    def _playlist_record(self, raw: Any) -> CollectionRecord | None:
        fields = mapping(raw)
        owner = mapping(fields.get("owner"))
        key = spotify_id_of(text(fields.get("id")))
        name = text(fields.get("name")) or "Playlist without a name"
        snapshot = text(fields.get("snapshot_id"))[:200]
        owned_by = text(owner.get("display_name")) or text(owner.get("id"))
        collection = CollectionRecord(PLAYLIST, key, name, account=self.user_id, snapshot=snapshot, owner=owned_by)
        return replace(collection, total=_said_total(fields)) if key else None

    def _playlist(self, record: CollectionRecord, raw: Any) -> CollectionRecord:
        known = self._known(record)
        if known.stands_at(record.snapshot):
            return replace(record, unchanged=True)
        if known.closed and not self._is_ours(raw):
            return replace(record, closed=True, complete=False, problem=known.problem or CLOSED)
        pages = _Pages(
            lambda offset: self.interface.playlist_items(record.key, offset),
            lambda: (text(mapping(self.interface.playlist(record.key)).get("snapshot_id"))[:200], None),
            entry_of,
            always_confirm=True,
        )
        pages.half = Checkpoint(self.folder, self.user_id, PLAYLIST, record.key)
        return self._whole(record, pages)

    def _is_ours(self, raw: Any) -> bool:
        """Development-mode apps open a playlist only to its owner and collaborators (2026)."""
        return mapping(mapping(raw).get("owner")).get("id") == self.user_id or mapping(raw).get("collaborative") is True

    # --- Saved albums ---

    def _albums(self) -> Iterator[CollectionRecord]:
        try:
            first = self.interface.albums(0)
        except Refusal as refusal:
            self._listed(ALBUM, "saved album", Listing(problem=refusal.reason, refusal=refusal), set())
            return
        if self._albums_stand(first):
            yield from self._albums_as_known()
            return
        listing = read_pages(self.interface.albums, first)
        records = {record.key: (record, raw) for raw in listing.items if (record := self._album_record(raw))}
        self._listed(ALBUM, "saved album", listing, set(records))
        for record, raw in records.values():
            if self.refusal:
                return
            yield self._album(record, raw)

    def _albums_stand(self, first: Any) -> bool:
        """Whether the newest albums and their number are as the catalog has them: then nothing came or went."""
        saved = {key: known for (kind, key), known in self.known.items() if kind == ALBUM}
        if mapping(first).get("total") != len(saved) or any(known.problem for known in saved.values()):
            return False
        newest = [self._album_record(raw) for raw in _items(first)]
        newest_keys = {(record.snapshot.split("|")[0], record.key) for record in newest if record}
        ours = {(known.snapshot.split("|")[0], key) for key, known in saved.items()}
        if not newest_keys or len(newest_keys) != len(newest):
            return False
        since = min(newest_keys)[0]
        return newest_keys <= ours and not any(added_at > since for added_at, _ in ours - newest_keys)

    def _albums_as_known(self) -> Iterator[CollectionRecord]:
        for (kind, key), known in self.known.items():
            if kind == ALBUM:
                as_known = CollectionRecord(ALBUM, key, known.name, account=self.user_id, snapshot=known.snapshot)
                yield replace(as_known, unchanged=True)

    def _album_record(self, raw: Any) -> CollectionRecord | None:
        album = mapping(mapping(raw).get("album"))
        key = spotify_id_of(text(album.get("id")))
        if not key:
            return None
        tracks = mapping(album.get("tracks"))
        ids = [mapping(track).get("id") for track in _items(tracks)]
        snapshot = f"{text(mapping(raw).get('added_at'))[:30]}|{_digest([ids, tracks.get('total')])}"
        return CollectionRecord(
            ALBUM,
            key,
            text(album.get("name")) or "Album without a name",
            account=self.user_id,
            snapshot=snapshot,
            owner=", ".join(names(album.get("artists"))),
        )

    def _album(self, record: CollectionRecord, raw: Any) -> CollectionRecord:
        if self._known(record).stands_at(record.snapshot):
            return replace(record, unchanged=True)
        album = mapping(mapping(raw).get("album"))
        pages = _Pages(
            lambda offset: self.interface.album_tracks(record.key, offset),
            lambda: (record.snapshot, None),  # a release does not change while it is read
            lambda track: entry_of_track(track, album),
            first=mapping(album.get("tracks")) or None,
        )
        return self._whole(record, pages)

    # --- What they share ---

    def _listed(self, kind: str, what: str, listing: Listing, keys: set[str]) -> None:
        """Note which collections of a kind are still there. Only a list that was read whole lets one be forgotten.

        Spotify lists a null where it cannot show a playlist: that one may be any, and no sync will mend it, so it is no
        fault of this one. What has been missing for a day is forgotten where Spotify shows it by itself: the null is
        not that one.
        """
        self._refused(listing.refusal)
        before = {key for known_kind, key in self.known if known_kind == kind}
        problem = listing.problem
        if not problem and len(keys) + listing.nulls != listing.total:
            problem = "Some of them could not be read."
        if not problem and before and not keys:
            problem = "It is empty, and was not before."
        if problem:
            self.problems.append(f"The list of {what}s is not whole: {problem} Nothing was removed from it.")
        elif listing.nulls:
            number = f"1 {what}" if listing.nulls == 1 else f"{listing.nulls:,} {what}s"
            missing = {(kind, key) for key in before - keys}
            self.unlisted |= missing
            left = {each for each in missing if each in self.long_unlisted and self._is_shown(*each)}
            self.still_there -= left
            removed = "" if left else " Nothing was removed."
            self.notes.append(f"{number} could not be read: Spotify lists nothing in its place.{removed}")
        else:
            self.still_there -= {(kind, key) for key in before - keys}

    def _is_shown(self, kind: str, key: str) -> bool:
        """Whether Spotify shows a collection to whom asks for it by its id."""
        try:
            self.interface.playlist(key) if kind == PLAYLIST else self.interface.album_tracks(key, 0)
        except Refusal as refusal:
            self._refused(refusal)
            return False
        return True

    def _whole(self, record: CollectionRecord, pages: _Pages) -> CollectionRecord:
        """Read a collection whole; once more where it changed meanwhile."""
        known = self._known(record)
        for _ in range(ATTEMPTS):
            listing, after = pages.read(record.snapshot)
            if after != record.snapshot:
                listing.problem = CHANGED
                record = replace(record, snapshot=after)
            if listing.problem != CHANGED:
                break
        self._refused(listing.refusal)
        if listing.refusal and listing.refusal.kind in {Kind.CLOSED, Kind.GONE} and record.kind == PLAYLIST:
            return replace(record, closed=True, complete=False, problem=LOST if known.tracks else CLOSED)
        entries: list[EntryRecord] = listing.items
        problem = listing.problem or _doubt(entries, listing, known)
        if problem:
            entries = [entry for entry in entries if entry.reason != WITHDRAWN]
        return replace(record, entries=entries, total=listing.total, complete=not problem, problem=problem)


class _Pages:
    """How a collection is read: its pages, its version before and after, what an item is, and what is half read.

    ``look`` answers the version as it is now, and the first page where it had to be fetched for that.
    """

    half: Checkpoint | None = None

    def __init__(
        self,
        fetch: Callable[[int], Any],
        look: Callable[[], tuple[str, Any]],
        parse: Callable[[Any], EntryRecord],
        first: Any = None,
        always_confirm: bool = False,
    ) -> None:
        self.fetch = fetch
        self.look = look
        self.parse = parse
        self.first = first
        self.always_confirm = always_confirm

    def read(self, before: str) -> tuple[Listing, str]:
        """The listing, and the version after it. A single page is of one moment and needs no second look."""
        listing, after = self._read(before), before
        if listing.problem in ("", CHANGED) and (listing.pages > 1 or self.always_confirm):
            try:
                after, self.first = self.look()
            except Refusal as refusal:
                listing.refusal, listing.problem = refusal, refusal.reason
        if self.half and not listing.refusal and (after == before or listing.problem not in ("", CHANGED)):
            self.half.forget()
        return listing, after

    def _read(self, version: str) -> Listing:
        half = self.half if version else None
        begun = self._begun(half, version) if half else None
        first, self.first = None if begun else self.first, None
        keep = (lambda total, items: half.append(version, total, items)) if half else (lambda total, items: None)
        return read_pages(self.fetch, first, self.parse, begun, keep)

    def _begun(self, half: Checkpoint, version: str) -> Listing | None:
        """What need not be read again. Its pages are of another moment than those to come: they count as several."""
        newest = [self.parse(item) for item in _items(self.first)]
        entries, total = half.resume(version, newest, mapping(self.first).get("total"))
        return Listing(entries, total, pages=2) if entries else None


def _doubt(entries: list[EntryRecord], listing: Listing, known: KnownCollection) -> str:
    """Why a list that was read whole is not believed yet; "" if it is."""
    if known.tracks and not entries:
        return EMPTIED
    if listing.nulls:
        return "Spotify left some of its places empty."
    empty = sum(entry.reason == WITHDRAWN for entry in entries)
    fresh = empty - known.withdrawn
    if not known.tracks or fresh <= MANY_EMPTY or fresh <= EMPTY_SHARE * len(entries):
        return ""
    doubt = f"Spotify shows {empty} of its {len(entries)} places without their song; believed if the next sync agrees."
    return "" if known.problem == doubt else doubt


def head(page: Any) -> str:
    """A name for the version of a list that grows at its head: its newest entries and its total."""
    newest = []
    for raw in _items(page):
        entry = mapping(raw)
        inner = mapping(entry.get("track") or entry.get("item"))
        newest.append([entry.get("added_at"), inner.get("uri") or inner.get("id")])
    return f"head:{_digest([newest, mapping(page).get('total')])}"


def _at_head(page: Any) -> tuple[str, Any]:
    return head(page), page


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:40]


def _items(page: Any) -> list[Any]:
    items = mapping(page).get("items")
    return items if isinstance(items, list) else []


def _said_total(playlist: Mapping[str, Any]) -> int | None:
    """The number of entries in a playlist's listing: under `items`, or under `tracks` (before 2026)."""
    total = mapping(playlist.get("items") or playlist.get("tracks")).get("total")
    return total if isinstance(total, int) and not isinstance(total, bool) and 0 <= total < 2**31 else None
