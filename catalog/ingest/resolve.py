"""Which track a source's record is: by its id, by its ISRC, or by title, artists and length. New ones get a row.

Several names of one recording become one track where there is evidence for it and nothing against it
(`catalog.music.same_recording`); each name keeps what it says (`catalog.models.Alias`), and parts from the others
where it comes to differ. The record whose id the row carries (its lead) may overwrite metadata; every other one only
fills what is unknown, so that two releases of a recording do not overwrite each other at each sync.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from django.db import transaction

from catalog.db.batches import batched
from catalog.db.bulk_insert import insert, reserve_ids, update
from catalog.db.write_yield import yield_write_lock
from catalog.ingest.merge import keep_and_drop, merge, merge_duplicates
from catalog.ingest.reference_rows import album_key, album_rows, artist_rows, comparison_key
from catalog.ingest.regroup import regroup
from catalog.ingest.separate import hand_over_files, move_names
from catalog.ingest.songs import FACTS, UNKNOWN, Song, copy_for, songs_of
from catalog.models import Album, Alias, Credit, Track
from catalog.music.identity import identity_key, same_length
from catalog.music.records import TrackRecord
from catalog.music.same_recording import Relation, fit, relation
from catalog.tracks.wanted import mark_wanted, refresh_wanted_flags

CHUNK = 500  # records per transaction
ALIAS_COLUMNS = ("id", "key", "track_id", "album_id", *FACTS[1:], "apart")
TRACK_COLUMNS = [column.attname for column in Track._meta.concrete_fields]


@dataclass(slots=True)
class Resolution:
    """``track_ids`` and ``alias_ids`` in the order of the records; how many were new rows, merged, or changed one."""

    track_ids: list[int] = field(default_factory=list)
    alias_ids: list[int] = field(default_factory=list)
    new: int = 0
    merged: int = 0
    changed: int = 0


def resolve(records: Iterable[TrackRecord], now: datetime) -> Resolution:
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


class ResolveBatch:
    """One transaction's worth of records, and everything that had to be read for them."""

    def __init__(self, records: Sequence[TrackRecord], now: datetime, result: Resolution) -> None:
        self.records = records
        self.now = now
        self.result = result
        self.identities = [identity_key(record.title, record.artists) for record in records]
        self.keys = [alias_key(*pair) for pair in zip(records, self.identities, strict=True)]
        self.artists = artist_rows(name for record in records for name in record.artists)
        self.albums = album_rows(records)
        # What rows were taken off: it may have no wanted track any more.
        self.left_albums: set[int] = set()
        self.left_artists: set[int] = set()
        self.fresh: list[Song] = []
        self.changed: dict[int, tuple[Track, dict[str, Any]]] = {}
        self.billing_changes: dict[int, tuple[Track, list[int]]] = {}  # by the row's address: new rows have no id yet
        self.new_names: list[Alias] = []
        self.taught: dict[int, Alias] = {}  # names that say more or other than before, by id
        self.stirred: set[str] = set()  # identities of which something new was learnt
        self.torn: set[str] = set()  # identities of which a name has moved from one song to another
        self.lengths: dict[int, int] = {}  # of rows before, by id: those that their files were fetched for
        self.emptied: list[tuple[Song, Song]] = []  # songs without names any more, and where the last one went
        self._read_rows()

    def _read_rows(self) -> None:
        track_ids = dict(Alias.objects.filter(key__in=self.keys).values_list("key", "track_id"))
        tracks = Track.objects.select_related("album")
        rows = {row.pk: row for row in tracks.filter(pk__in=set(track_ids.values()))}
        isrcs = {record.isrc for record in self.records}
        for sharing in (tracks.with_isrc(isrcs), tracks.filter(identity__in=set(self.identities))):
            rows |= {row.pk: rows.get(row.pk, row) for row in sharing}
        self.song_of: dict[str, Song] = {}
        self.name_of: dict[str, Alias] = {}
        self.by_isrc: dict[str, list[Song]] = defaultdict(list)
        self.by_identity: dict[str, list[Song]] = defaultdict(list)
        for song in songs_of(rows[pk] for pk in sorted(rows)).values():
            self._index(song)
            if song.row.duration_ms is not None:
                self.lengths[song.row.pk] = song.row.duration_ms
            for name in song.names:
                self.song_of[name.key], self.name_of[name.key] = song, name
        self.billing: dict[int, list[int]] = defaultdict(list)
        for track_id, artist_id in (
            Credit.objects.filter(track__in=rows).order_by("track", "position").values_list("track_id", "artist_id")
        ):
            self.billing[track_id].append(artist_id)

    def _index(self, song: Song) -> None:
        for index, key in ((self.by_isrc, song.row.isrc), (self.by_identity, song.row.identity)):
            if key and song not in index[key]:
                index[key].append(song)

    def write(self) -> None:
        """Find or make every record's row, then save what is new or different."""
        for record, identity, key in zip(self.records, self.identities, self.keys, strict=True):
            song = self._song(record, identity, key)
            self._describe(song, record, identity)
            self._bill(song.row, record)
        self._regroup()
        self._save()

    # --- Which song -------------------------------------------------------------------------------------------

    def _song(self, record: TrackRecord, identity: str, key: str) -> Song:
        """The song that a record names, made where there is none."""
        name = self.name_of.get(key)
        if name is not None:
            if self._learn(name, record):
                self.stirred.add(identity)
                self._part(self.song_of[key], name)
            return self.song_of[key]
        name = Alias(key=key, **self._facts(record))
        named = bool(record.title and record.artists)  # half an identity is shared by strangers
        song = self._find(name, identity if named else "")
        self.result.merged += song is not None
        self.stirred.add(identity)
        if song is None:
            song = self._new_song(Track(added_at=self.now, retry_after=self.now))
        self.new_names.append(name)
        self.name_of[key] = name
        self._add(song, name)
        return song

    def _facts(self, record: TrackRecord) -> dict[str, Any]:
        return {
            "album": self.albums.get(album_key(record)),
            "isrc": record.isrc,
            "duration_ms": record.duration_ms,
            "track_number": record.track_number,
            "disc_number": record.disc_number,
            "explicit": record.explicit,
        }

    def _learn(self, name: Alias, record: TrackRecord) -> bool:
        """Write into the name (unsaved) what the record says otherwise or besides. False: nothing."""
        facts = self._facts(record)
        if name.album and not record.album_spotify_id and name.album.spotify_id:
            facts["album"] = None  # a file that names no album id knows no better than Spotify
        new = {fact: value for fact, value in facts.items() if value not in UNKNOWN and value != getattr(name, fact)}
        for fact, value in new.items():
            setattr(name, fact, value)
        if new and name.pk:
            self.taught[name.pk] = name
        return bool(new)

    def _find(self, name: Alias, identity: str, leaving: Song | None = None) -> Song | None:
        """The song that this name is one of, by ISRC or by the identity of its title and artists."""
        description = name.description
        for song in self.by_isrc.get(name.isrc, ()):
            if song is not leaving and fit(description, song.descriptions()) == Relation.SAME:
                return song
        best, best_fit = None, Relation.NO_EVIDENCE
        for song in self.by_identity.get(identity, ()) if identity else ():
            if song is leaving or not song.names or not same_length(song.row.duration_ms, description.duration_ms):
                continue
            how_well = fit(description, song.descriptions())
            same_album = name.album is not None and song.row.album_id == name.album.pk
            # Where the length is unknown several may fit: the one from the same album is meant.
            if how_well > best_fit or (how_well == best_fit and same_album and best and best.row.album != name.album):
                best, best_fit = song, how_well
        return best

    def _part(self, song: Song, name: Alias) -> None:
        """Take the names off a song that contradict one of it that has learnt something, or this one itself."""
        mine = song.describe(name)
        against = [
            each for each in song.names if each is not name and relation(song.describe(each), mine) == Relation.CONFLICT
        ]
        firm = [each for each in against if each.description.is_firm]
        leaving = [each for each in against if not each.description.is_firm]
        leaving += firm if not firm or song.leads(name) else [name]
        for each in leaving:
            self._move(each, song, self._find(each, song.row.identity, leaving=song) or self._parted(song, each))

    def _parted(self, song: Song, name: Alias) -> Song:
        """A song for a name that leaves another one: without names yet, with the same artists."""
        parted = self._new_song(copy_for(song, name, self.now))
        billing = self.billing[song.row.pk or -id(song.row)]
        self.billing[-id(parted.row)] = list(billing)
        self.billing_changes[id(parted.row)] = (parted.row, list(billing))
        self._index(parted)
        return parted

    def _new_song(self, row: Track) -> Song:
        song = Song(row)
        self.fresh.append(song)
        return song

    def _add(self, song: Song, name: Alias) -> None:
        song.names.append(name)
        self.song_of[name.key] = song

    def _move(self, name: Alias, old: Song, new: Song) -> None:
        old.names.remove(name)
        self._add(new, name)
        self._follow(name, old, new)

    def _follow(self, name: Alias, old: Song, new: Song) -> None:
        """Bring two rows in line with their names after one has gone from the one to the other."""
        self.song_of[name.key] = new
        self.torn.add(old.row.identity)
        if old.names:
            self._note(old.row, old.restate())
        else:
            self.emptied.append((old, new))
        self._note(new.row, new.restate())
        self._index(new)

    def _regroup(self) -> None:
        for identity in self.stirred:
            songs = [song for song in self.by_identity.get(identity, ()) if song.names]
            for name, old, new in regroup(songs, self._parted) if len(songs) > 1 else ():
                self._follow(name, old, new)

    # --- What the row says ------------------------------------------------------------------------------------

    def _describe(self, song: Song, record: TrackRecord, identity: str) -> None:
        """Write the record's metadata into the song's row (unsaved)."""
        row = song.row
        values = self._facts(record) | {
            "title": record.title,
            "album": self._album(row, record),
            "identity": identity,
            "spotify_id": record.spotify_id or None,
        }
        leads = self._is_authoritative(row, record)
        differences = {
            name: value
            for name, value in values.items()
            if value not in UNKNOWN and value != (old := getattr(row, name)) and (leads or old in UNKNOWN)
        }
        if "album" in differences and row.album_id:
            self.left_albums.add(row.album_id)
        for name, value in differences.items():
            setattr(row, name, value)
        self._note(row, differences)
        if differences:
            self._index(song)

    def _note(self, row: Track, differences: dict[str, Any]) -> None:
        if differences and row.pk:
            self.changed.setdefault(row.pk, (row, {}))[1].update(differences)

    @staticmethod
    def _is_authoritative(row: Track, record: TrackRecord) -> bool:
        if not row.identity:
            return True  # a new row
        return bool(record.spotify_id) and row.spotify_id in (None, record.spotify_id)

    def _album(self, row: Track, record: TrackRecord) -> Album | None:
        album = self.albums.get(album_key(record))
        same_title = album and row.album and comparison_key(row.album.title) == comparison_key(album.title)
        # A file that names no album id must not take a track off the album that Spotify named.
        return row.album if same_title and not record.album_spotify_id else album

    def _bill(self, row: Track, record: TrackRecord) -> None:
        """Note the artists' ids in billing order, where they differ from the row's and the record may say so."""
        billing = list(dict.fromkeys(self.artists[comparison_key(name)].pk for name in record.artists if name))
        old = self.billing.get(row.pk or -id(row), [])
        if billing and billing != old and (not old or row.spotify_id == (record.spotify_id or None)):
            self.billing[row.pk or -id(row)] = billing
            self.left_artists.update(old)
            self.billing_changes[id(row)] = (row, billing)

    # --- Into the database ------------------------------------------------------------------------------------

    def _save(self) -> None:
        fresh = [song.row for song in self.fresh if song.names]
        for row, pk in zip(fresh, reserve_ids(Track, len(fresh)), strict=True):
            row.pk = pk
        insert(Track, TRACK_COLUMNS, map(attrgetter(*TRACK_COLUMNS), fresh))
        for pk, (_, differences) in self.changed.items():  # few columns of few rows: cheaper than bulk_update's CASEs
            Track.objects.filter(pk=pk).update(**differences)
        self._save_names()
        self._save_billing({row.pk for row in fresh})
        self.result.new += len(fresh)
        self.result.changed += len(self.changed)
        for identity in self.torn:
            hand_over_files(self.lengths, self.by_identity[identity], self.now)
        self.result.merged += self._fold_emptied()
        remaining = Track.objects.filter(pk__in=self.changed).select_related("album")
        replaced = merge_duplicates(remaining, self.now) if self.changed else {}
        self.result.merged += len(replaced)
        track_ids = [int(self.song_of[key].row.pk or 0) for key in self.keys]
        self.result.track_ids += [replaced.get(pk, pk) for pk in track_ids]
        self.result.alias_ids += [int(self.name_of[key].pk or 0) for key in self.keys]

    def _save_names(self) -> None:
        for name, pk in zip(self.new_names, reserve_ids(Alias, len(self.new_names)), strict=True):
            name.pk = pk
        rows = [
            (name.pk, name.key, self.song_of[name.key].row.pk, *self._columns(name), False) for name in self.new_names
        ]
        insert(Alias, ALIAS_COLUMNS, rows)
        update(Alias, ALIAS_COLUMNS[3:-1], [(*self._columns(name), pk) for pk, name in self.taught.items()])
        moved = [
            (name, song.row.pk)
            for key, song in self.song_of.items()
            if (name := self.name_of[key]).track_id and name.track_id != song.row.pk
        ]
        move_names(moved, self.now)

    @staticmethod
    def _columns(name: Alias) -> tuple[Any, ...]:
        """In the order of `ALIAS_COLUMNS`, from the album on."""
        return name.album and name.album.pk, *(getattr(name, fact) for fact in FACTS[1:])

    def _save_billing(self, fresh: set[int]) -> None:
        changes = [change for change in self.billing_changes.values() if change[0].pk]
        rebilled = {row.pk for row, _ in changes} - fresh
        if rebilled:
            Credit.objects.filter(track__in=rebilled).delete()
        rows = [(row.pk, artist_id, place) for row, billing in changes for place, artist_id in enumerate(billing)]
        insert(Credit, ("track_id", "artist_id", "position"), rows)
        self._mark({*self.changed, *rebilled})

    def _fold_emptied(self) -> int:
        """Rows whose last name has gone to another one go with it, unless both have a file. How many went."""
        folded = 0
        homes = {id(old): (old, home) for old, home in self.emptied}  # the last one counts
        for old, home in homes.values():
            for _ in homes:  # a home that was left in its turn leads on
                if home.names or id(home) not in homes:
                    break
                home = homes[id(home)][1]
            if old.row.pk and not old.names and home.row.pk not in (None, old.row.pk) and home.names:
                for song in (old, home):  # a file may just have changed hands
                    song.row.refresh_from_db(fields=["status", "local_path"])
                keep, drop = keep_and_drop(home.row, old.row)
                if merge(keep, drop):
                    home.row, folded = keep, folded + 1
        return folded

    def _mark(self, changed: set[int]) -> None:
        """Albums and artists that gained or lost a track which may be wanted; new rows are not wanted yet."""
        if changed:
            mark_wanted(self.left_albums, self.left_artists)
            refresh_wanted_flags(Track.objects.filter(pk__in=changed, wanted=True))
