"""Which track a source's record is: by its id, by its ISRC, or by title, artists and length. New ones get a row.

Several Spotify ids of one recording become one track: same ISRC or same identity, lengths within 3 seconds of the
row's own. A record whose length is unknown is compared by the rest; a clean version is not the explicit one. The
record whose id the row carries (its lead) may overwrite metadata; every other one only fills what is unknown, so that
two releases of a recording do not overwrite each other at each sync.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.db import transaction

from catalog.db.batches import batched
from catalog.db.bulk_insert import insert
from catalog.db.write_yield import yield_write_lock
from catalog.ingest.merge import merge_duplicates
from catalog.models import Album, Alias, Artist, Credit, Track
from catalog.music.identity import identity_key, same_length
from catalog.music.records import TrackRecord
from catalog.tracks.wanted import mark_wanted, refresh_wanted_flags

CHUNK = 500  # records per transaction


@dataclass(slots=True)
class Resolution:
    """``track_ids`` in the order of the records; how many of them were new rows, merged into a row, or changed one."""

    track_ids: list[int] = field(default_factory=list)
    new: int = 0
    merged: int = 0
    changed: int = 0


def resolve(records: Sequence[TrackRecord], now: datetime) -> Resolution:
    """The track of each record, in its order. Rows are made and brought up to date, `CHUNK` records at a time."""
    result = Resolution()
    for batch in batched(records, CHUNK):
        with transaction.atomic():
            ResolveBatch(batch, now, result).write()
        yield_write_lock()
    return result


def alias_key(record: TrackRecord, identity: str) -> str:
    """The name under which this record will be known again."""
    if record.spotify_id:
        return f"spotify:{record.spotify_id}"
    text = "\x1f".join([identity, record.album, str(record.duration_ms), record.isrc])
    return f"text:{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def comparison_key(text: str) -> str:
    """NFKC casefold, at most 200 characters: a long text keeps its head and a digest of the whole."""
    key = unicodedata.normalize("NFKC", text).casefold().strip() or text
    if len(key) <= 200:
        return key
    return key[:160] + blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class ResolveBatch:
    """One transaction's worth of records, and everything that had to be read for them."""

    def __init__(self, records: Sequence[TrackRecord], now: datetime, result: Resolution) -> None:
        self.records = records
        self.now = now
        self.result = result
        self.identities = [identity_key(record.title, record.artists) for record in records]
        self.keys = [alias_key(*pair) for pair in zip(records, self.identities, strict=True)]
        self.artists = _artists(name for record in records for name in record.artists)
        self.albums = _albums(records)
        # What rows were taken off: it may have no wanted track any more.
        self.left_albums: set[int] = set()
        self.left_artists: set[int] = set()
        self._read_rows()

    def _read_rows(self) -> None:
        known = dict(Alias.objects.filter(key__in=self.keys).values_list("key", "track_id"))
        isrcs = {record.isrc for record in self.records}
        rows = {row.pk: row for row in Track.objects.filter(pk__in=set(known.values()))}
        for found in (Track.objects.with_isrc(isrcs), Track.objects.filter(identity__in=set(self.identities))):
            rows |= {row.pk: rows.get(row.pk, row) for row in found}
        self.rows = {key: rows[pk] for key, pk in known.items()}
        self.by_isrc: dict[str, list[Track]] = defaultdict(list)
        self.by_identity: dict[str, list[Track]] = defaultdict(list)
        for pk in sorted(rows):
            self._index(rows[pk])
        self.billing: dict[int, list[int]] = defaultdict(list)
        for track_id, artist_id in (
            Credit.objects.filter(track__in=rows).order_by("track", "position").values_list("track_id", "artist_id")
        ):
            self.billing[track_id].append(artist_id)

    def _index(self, row: Track) -> None:
        if row.isrc:
            self.by_isrc[row.isrc].append(row)
        self.by_identity[row.identity].append(row)

    def write(self) -> None:
        """Find or make every record's row, then save what is new or different."""
        fresh: list[Track] = []
        aliases: dict[str, Track] = {}
        changed: dict[int, tuple[Track, dict[str, Any]]] = {}
        credits: dict[int, tuple[Track, list[int]]] = {}  # by the row's address: new rows have no id yet
        for record, identity, key in zip(self.records, self.identities, self.keys, strict=True):
            row = self.rows.get(key)
            if row is None:
                row = self._same_recording(record, identity)
                self.result.merged += row is not None
                if row is None:
                    row = Track(added_at=self.now, retry_after=self.now)
                    fresh.append(row)
                aliases[key] = self.rows[key] = row
            differences = self._describe(row, record, identity)
            if differences and row.pk:
                changed.setdefault(row.pk, (row, {}))[1].update(differences)
            billing = self._new_billing(row, record)
            if billing:
                credits[id(row)] = (row, billing)
        self._save(fresh, changed, aliases, list(credits.values()))

    def _same_recording(self, record: TrackRecord, identity: str) -> Track | None:
        for row in self.by_isrc.get(record.isrc, []) if record.isrc else []:
            if same_length(row.duration_ms, record.duration_ms):
                return row
        named = bool(record.title and record.artists)  # half an identity is shared by strangers
        alike = [
            row
            for row in (self.by_identity.get(identity, []) if named else [])
            if same_length(row.duration_ms, record.duration_ms) and not _one_is_clean(row.explicit, record.explicit)
        ]
        # Where the length is unknown several versions may be alike: the one from the same album is meant.
        album = self.albums.get(_album_key(record))
        return next((row for row in alike if album and row.album_id == album.pk), alike[0] if alike else None)

    def _describe(self, row: Track, record: TrackRecord, identity: str) -> dict[str, Any]:
        """Write the record's metadata into ``row`` (unsaved). The columns that changed."""
        wish = {
            "title": record.title,
            "album": self._album(row, record),
            "duration_ms": record.duration_ms,
            "track_number": record.track_number,
            "disc_number": record.disc_number,
            "explicit": record.explicit,
            "isrc": record.isrc,
            "identity": identity,
            "spotify_id": record.spotify_id or None,
        }
        leads = self._leads(row, record)
        differences = {
            name: value
            for name, value in wish.items()
            if value not in (None, "") and value != (old := getattr(row, name)) and (leads or old in (None, ""))
        }
        if "album" in differences and row.album_id:
            self.left_albums.add(row.album_id)
        for name, value in differences.items():
            setattr(row, name, value)
        if differences:
            self._index(row)
        return differences

    @staticmethod
    def _leads(row: Track, record: TrackRecord) -> bool:
        if not row.identity:
            return True  # a new row
        return bool(record.spotify_id) and row.spotify_id in (None, record.spotify_id)

    def _album(self, row: Track, record: TrackRecord) -> Album | None:
        album = self.albums.get(_album_key(record))
        same_title = album and row.album and comparison_key(row.album.title) == comparison_key(album.title)
        # A file that names no album id must not take a track off the album that Spotify named.
        return row.album if same_title and not record.album_spotify_id else album

    def _new_billing(self, row: Track, record: TrackRecord) -> list[int] | None:
        """The artists' ids in billing order, where they differ from the row's and the record may say so."""
        billing = list(dict.fromkeys(self.artists[comparison_key(name)].pk for name in record.artists if name))
        old = self.billing.get(row.pk or -id(row), [])
        if billing and billing != old and (not old or row.spotify_id == (record.spotify_id or None)):
            self.billing[row.pk or -id(row)] = billing
            self.left_artists.update(old)
            return billing
        return None

    def _save(
        self,
        fresh: list[Track],
        changed: dict[int, tuple[Track, dict[str, Any]]],
        aliases: dict[str, Track],
        credits: list[tuple[Track, list[int]]],
    ) -> None:
        Track.objects.bulk_create(fresh)
        for pk, (_, differences) in changed.items():  # a few columns of a few rows: cheaper than bulk_update's CASEs
            Track.objects.filter(pk=pk).update(**differences)
        insert(Alias, ("key", "track_id"), [(key, row.pk) for key, row in aliases.items()])
        rebilled = {row.pk for row, _ in credits} - {row.pk for row in fresh}
        if rebilled:
            Credit.objects.filter(track__in=rebilled).delete()
        rows = [(row.pk, artist_id, place) for row, billing in credits for place, artist_id in enumerate(billing)]
        insert(Credit, ("track_id", "artist_id", "position"), rows)
        self._mark({*changed, *rebilled})
        self.result.new += len(fresh)
        self.result.changed += len(changed)
        replaced = merge_duplicates([row for row, _ in changed.values()], self.now) if changed else {}
        self.result.merged += len(replaced)
        track_ids = self.result.track_ids + [int(self.rows[key].pk or 0) for key in self.keys]
        self.result.track_ids = [replaced.get(pk, pk) for pk in track_ids] if replaced else track_ids

    def _mark(self, changed: set[int]) -> None:
        """Albums and artists that gained or lost a track which may be wanted; new rows are not wanted yet."""
        if changed:
            mark_wanted(self.left_albums, self.left_artists)
            refresh_wanted_flags(Track.objects.filter(pk__in=changed, wanted=True))


def _one_is_clean(first: bool | None, second: bool | None) -> bool:
    return first is not None and second is not None and first != second


def _album_key(record: TrackRecord) -> str:
    if record.album_spotify_id:
        return f"spotify:{record.album_spotify_id}"
    return comparison_key(f"{record.album}\x1f{_album_artist(record)}") if record.album else ""


def _album_artist(record: TrackRecord) -> str:
    return ", ".join(record.album_artists) or (record.artists[0] if record.artists else "")


def _artists(names: Iterable[str]) -> dict[str, Artist]:
    """The rows of these artists by key, made where they are new."""
    wish: dict[str, str] = {}
    for name in names:
        if name:
            wish.setdefault(comparison_key(name), name)
    found = {artist.key: artist for artist in Artist.objects.filter(key__in=wish)}
    new = [Artist(key=key, name=name) for key, name in wish.items() if key not in found]
    return found | {artist.key: artist for artist in Artist.objects.bulk_create(new)}


def _albums(records: Sequence[TrackRecord]) -> dict[str, Album]:
    """The rows of the records' albums by key, made or brought up to date."""
    wish = {key: record for record in records if (key := _album_key(record))}
    found = {album.key: album for album in Album.objects.filter(key__in=wish)}
    fields = ["title", "artist", "release_date", "cover_url", "compilation"]
    new, changed = [], []
    for key, record in wish.items():
        said = {
            "title": record.album,
            "artist": _album_artist(record),
            "release_date": record.release_date,
            "cover_url": record.cover_url,
            "compilation": record.compilation,
        }
        album = found.get(key)
        if album is None:
            new.append(Album(key=key, **said))
            continue
        if not record.album_artists:
            del said["artist"]  # a guess from this track; another track of the album would guess otherwise
        if differences := {name: value for name, value in said.items() if value and value != getattr(album, name)}:
            for name, value in differences.items():
                setattr(album, name, value)
            changed.append(album)
    Album.objects.bulk_update(changed, fields, batch_size=100)
    return found | {album.key: album for album in Album.objects.bulk_create(new)}
