"""The healthy sample world: a registered music folder and a catalog that agree. Each test breaks one thing in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from catalog.models import Album, Alias, Artist, Collection, Credit, Entry, Folder, Host, Library, Service, Track
from catalog.music.identity import identity_key
from catalog.text.path_key import path_key
from catalog.tracks.place import Place
from catalog.tracks.wanted import refresh_wanted_flags

ROOT_UUID = "0c6f6c2e-7d1b-4d3a-9b8e-3f1d2a4b5c6d"

# artist, album, number, title: two artists share a title, one name is not ASCII, one is not Latin.
SAMPLE = [
    ("Maria Ruiz", "First Light", 1, "Morning"),
    ("Maria Ruiz", "First Light", 2, "Noon"),
    ("Maria Ruiz", "Second Light", 1, "Evening"),
    ("Ólöf", "Hafið", 1, "Morning"),
    ("Ólöf", "Hafið", 2, "Bára"),
    ("山田", "海", 1, "波"),
]


def hour_later() -> datetime:
    """An hour from now: every file and folder that a test has just made is old by then, and may be trusted."""
    return datetime.now(UTC) + timedelta(hours=1)


@dataclass
class World:
    """The music folder and the rows that go with it. ``tracks`` are the sample's, by "artist/album/title"."""

    root: Path
    collection: Collection
    now: datetime = field(default_factory=hour_later)
    tracks: dict[str, Track] = field(default_factory=dict)

    def make_track(
        self,
        title: str = "Song",
        artist: str = "Maria Ruiz",
        album: str = "First Light",
        number: int = 9,
        wanted: bool = True,
        **columns: Any,
    ) -> Track:
        """A missing track with artist, album and credit, wanted through an entry; ``columns`` are set as they are."""
        home = Album.objects.get_or_create(key=f"{album}/{artist}", defaults={"title": album, "artist": artist})[0]
        made = self._track(title, artist, home, number, wanted=wanted, **columns)
        made.save(force_insert=True)
        performer = Artist.objects.get_or_create(key=path_key(artist), defaults={"name": artist})[0]
        Credit.objects.create(track=made, artist=performer, position=0)
        for row in (home, performer):  # as `refresh_wanted_flags` does, at a tenth of its cost
            if wanted and not row.wanted:
                type(row).objects.filter(pk=row.pk).update(wanted=True)
        if made.spotify_id:
            Alias.objects.create(key=f"spotify:{made.spotify_id}", track=made)
        if wanted:
            Entry.objects.create(collection=self.collection, position=made.pk * 1000, track=made, digest=made.pk)
        return made

    def _track(self, title: str, artist: str, album: Album, number: int, **columns: Any) -> Track:
        """The row of a missing track of three minutes, not yet written; ``columns`` are set as they are."""
        standard = {
            "duration_ms": 180_000,
            "identity": identity_key(title, [artist]),
            "spotify_id": spotify_id(f"{artist}/{album}/{number}/{title}"),
            "retry_after": self.now - timedelta(minutes=1),
        }
        if columns.get("last_error"):
            standard["failed_at"] = self.now - timedelta(hours=1)
        return Track(title=title, album=album, track_number=number, **(standard | columns))

    def put_file(self, track: Track, content: bytes = b"", relative: str = "") -> Path:
        """Write the track's file and mark the track downloaded at that place. The file's path.

        ``content`` defaults to bytes that only this track has, of a size that only few have.
        """
        relative = relative or f"{self.artist_of(track)}/{track.album}/{track.track_number:02} {track.title}.mp3"
        content = content or f"{track.pk} {track.title} ".encode() * 10
        path = self.root / relative
        _make_folder(path.parent)
        path.write_bytes(content)
        place = Place.of(str(self.root), relative)
        Track.objects.filter(pk=track.pk).update(
            **place.columns(),
            status=Track.Status.DOWNLOADED,
            size=len(content),
            last_seen=self.now - timedelta(days=1),
            attempts=0,
            last_error="",
            error_kind="",
        )
        track.refresh_from_db()
        return path

    def artist_of(self, track: Track) -> str:
        return track.credits.get(position=0).artist.name

    def status_of(self, track: Track) -> str:
        """As the database says it now."""
        return Track.objects.values_list("status", flat=True).get(pk=track.pk)

    def later(self, **delta: float) -> datetime:
        """``now`` moved on, e.g. ``later(minutes=5)``."""
        self.now += timedelta(**delta)
        return self.now


def publish_by(method: str) -> None:
    """This host's mount of the library is known to put files in place by ``method``; "": it finds out."""
    Host.objects.update_or_create(name=settings.HOST_NAME, defaults={"publish_method": method})


def spotify_id(seed: str) -> str:
    """22 characters of base 62 that only this seed has."""
    return hashlib.sha256(seed.encode()).hexdigest()[:22]


def _make_folder(folder: Path) -> None:
    """Make a music folder, and those above it, as a person has them: the tests' own umask lets nobody else in."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def make_world(root: Path) -> World:
    """The folder with its marker, the registered library, the sample's rows and files."""
    root.mkdir()
    (root / ".tonekeep").write_text(f"{ROOT_UUID}\n")
    Library.objects.create(pk=1, root_uuid=ROOT_UUID, root_path=str(root))
    Service.objects.create(name="storage", state="online")
    world = World(root, Collection.objects.create(kind=Collection.Kind.FILE, key="sample.csv", name="Sample"))
    _add_sample(world)
    return world


def _add_sample(world: World) -> None:
    """The sample's rows and files, in one statement for each table: most tests begin with them."""
    albums = {key: Album(key="/".join(key), title=key[0], artist=key[1]) for key in _distinct(1, 0)}
    artists = {name: Artist(key=path_key(name), name=name) for (name,) in _distinct(0)}
    folders = {path: Folder(key=path_key(path), path=path) for path in map("/".join, _distinct(0, 1))}
    for model, rows in ((Album, albums), (Artist, artists), (Folder, folders)):
        model.objects.bulk_create(rows.values())
    tracks = [_track_on_disk(world, entry, albums, folders) for entry in SAMPLE]
    Track.objects.bulk_create(tracks)
    Credit.objects.bulk_create(
        Credit(track=track, artist=artists[artist], position=0)
        for track, (artist, *_) in zip(tracks, SAMPLE, strict=True)
    )
    Alias.objects.bulk_create(Alias(key=f"spotify:{track.spotify_id}", track=track) for track in tracks)
    Entry.objects.bulk_create(
        Entry(collection=world.collection, position=track.pk * 1000, track=track, digest=track.pk) for track in tracks
    )
    refresh_wanted_flags(Track.objects.all())
    world.tracks = {f"{artist}/{album}/{t}": row for row, (artist, album, _, t) in zip(tracks, SAMPLE, strict=True)}


def _distinct(*columns: int) -> list[tuple[str, ...]]:
    """The sample's different values of these columns, in its order."""
    return list(dict.fromkeys(tuple(str(entry[column]) for column in columns) for entry in SAMPLE))


def _track_on_disk(
    world: World, entry: tuple[str, str, int, str], albums: dict[tuple[str, ...], Album], folders: dict[str, Folder]
) -> Track:
    """The row, not yet written, of a downloaded track, and its file: bytes that only this track has."""
    artist, album, number, title = entry
    place = Place.of(str(world.root), f"{artist}/{album}/{number:02} {title}.mp3")
    content = f"{SAMPLE.index(entry)} {title} ".encode() * 10
    path = Path(place.path)
    _make_folder(path.parent)
    path.write_bytes(content)
    return world._track(
        title,
        artist,
        albums[album, artist],
        number,
        wanted=True,
        status=Track.Status.DOWNLOADED,
        local_path=place.path,
        folder=folders[place.folder],
        file_name=place.file_name,
        name_key=path_key(place.file_name),
        size=len(content),
        last_seen=world.now - timedelta(days=1),
    )
