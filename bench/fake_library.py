"""A music folder and a catalog of any size, for measuring: Artist/Album/NN Title, every file its own inode.

The same number gives the same tree. Covers and lyrics lie among the music, as they do in life: one cover per album, a
text beside every fourth song.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

SONGS = 12  # per album
ALBUMS = 4  # per artist
SILENCE = (b"\xff\xfb\x10\xc0" + bytes(100)) * 4  # four frames (MPEG-1 layer III): MPD keeps only what plays
BATCH = 5000


class Song(NamedTuple):
    """One track of the tree; numbers count from 0, ``number`` within the album from 1."""

    ordinal: int
    artist: int
    album: int
    number: int

    @property
    def folder(self) -> str:
        return f"{artist_folder(self.artist)}/Album {self.album:02}"

    @property
    def file_name(self) -> str:
        return f"{self.number:02} Title of song {self.ordinal:07}.mp3"

    @property
    def spotify_id(self) -> str:
        return f"{self.ordinal:022}"

    @property
    def content(self) -> bytes:
        """An ID3v2.4 tag with the song's Spotify id, as the program writes it, and silence; all of one size."""
        text = b"\x03SPOTIFY_TRACK_ID\0" + self.spotify_id.encode()
        frame = b"TXXX" + len(text).to_bytes(4, "big") + b"\0\0" + text
        return b"ID3\x04\0\0" + len(frame).to_bytes(4, "big") + frame + SILENCE  # below 128: no bit is left out


def artist_folder(artist: int) -> str:
    return f"Artist {artist:05}"


def songs(tracks: int) -> Iterator[Song]:
    """The first ``tracks`` songs, album by album."""
    for index in range(tracks):
        album, number = divmod(index, SONGS)
        yield Song(index, album // ALBUMS, album % ALBUMS, number + 1)


def make_tree(root: str, tracks: int) -> int:
    """Write the files below ``root``. How many there are, covers and lyrics among them."""
    files, folder = 0, ""
    for song in songs(tracks):
        if folder != song.folder:
            folder = song.folder
            os.makedirs(f"{root}/{folder}")
            files += _write(f"{root}/{folder}/cover.jpg", SILENCE)
        files += _write(f"{root}/{folder}/{song.file_name}", song.content)
        if song.ordinal % 4 == 0:
            files += _write(f"{root}/{folder}/{song.file_name[:-4]}.lrc", SILENCE)
    return files


def _write(path: str, content: bytes) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(descriptor, content)
    os.close(descriptor)
    return 1


def fill_catalog(root: str, tracks: int) -> None:
    """Rows that go with the tree, every track downloaded and wanted. Needs a configured, empty database."""
    from catalog.models import Album, Alias, Artist, Collection, Credit, Entry, Folder, Track
    from catalog.text.path_key import path_key

    collection = Collection.objects.create(kind=Collection.Kind.FILE, key="bench.csv", name="Bench")
    seen_at = datetime(2026, 1, 1, tzinfo=UTC)
    for batch in _batches(songs(tracks)):
        folders = sorted({song.folder for song in batch})
        artists = sorted({song.artist for song in batch})
        Artist.objects.bulk_create(
            [Artist(name=artist_folder(number), key=f"artist {number:05}") for number in artists], ignore_conflicts=True
        )
        Folder.objects.bulk_create([Folder(path=path, key=path_key(path)) for path in folders], ignore_conflicts=True)
        Album.objects.bulk_create(
            [Album(title=path.rpartition("/")[2], artist=path.partition("/")[0], key=path) for path in folders],
            ignore_conflicts=True,
        )
        folder_ids = dict(Folder.objects.filter(path__in=folders).values_list("path", "pk"))
        album_ids = dict(Album.objects.filter(key__in=folders).values_list("key", "pk"))
        artist_ids = dict(Artist.objects.values_list("key", "pk").filter(key__gte=f"artist {artists[0]:05}"))
        made = Track.objects.bulk_create(
            [
                Track(
                    title=song.file_name[3:-4],
                    identity=f"title of song {song.ordinal:07}/artist {song.artist:05}",
                    spotify_id=song.spotify_id,
                    isrc=f"XXBEN{song.ordinal:07}",
                    duration_ms=180_000 + song.ordinal % 60_000,
                    track_number=song.number,
                    album_id=album_ids[song.folder],
                    wanted=True,
                    status=Track.Status.DOWNLOADED,
                    local_path=f"{root}/{song.folder}/{song.file_name}",
                    folder_id=folder_ids[song.folder],
                    file_name=song.file_name,
                    name_key=path_key(song.file_name),
                    size=len(song.content),
                    last_seen=seen_at,
                    retry_after=seen_at,
                    added_at=seen_at,
                )
                for song in batch
            ]
        )
        Alias.objects.bulk_create([Alias(key=f"spotify:{track.spotify_id}", track=track) for track in made])
        Credit.objects.bulk_create(
            [
                Credit(track=track, artist_id=artist_ids[f"artist {song.artist:05}"], position=0)
                for song, track in zip(batch, made, strict=True)
            ]
        )
        Entry.objects.bulk_create(
            [
                Entry(collection=collection, position=song.ordinal * 1000, track=track, digest=song.ordinal)
                for song, track in zip(batch, made, strict=True)
            ]
        )


def _batches(all_songs: Iterator[Song]) -> Iterator[list[Song]]:
    batch: list[Song] = []
    for song in all_songs:
        batch.append(song)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
