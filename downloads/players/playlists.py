"""Playlists at a player: one for each enabled collection, replaced by its id when name or songs change."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from catalog.db.id_sets import id_subquery
from catalog.models import Collection, Track
from catalog.text.path_key import path_key
from downloads.models import Player, PlayerPlaylist, PlayerSong
from downloads.players.web_api import PlayerError

NOT_FOUND = {70, 404}  # Subsonic's number, and the others' status
LOOKED_FOR = 20.0  # seconds of one call that songs are looked for; the next call does more
SEARCHES = 1_000  # in one call


class Server(Protocol):
    """A player that holds playlists."""

    def is_scanning(self) -> bool: ...

    def songs(self, title: str) -> list[dict[str, Any]]:
        """With ``id``, ``path``, ``title``, ``album`` and ``artist``."""

    def playlists(self) -> dict[str, str]:
        """Id -> name."""

    def put_playlist(self, playlist: str, name: str, songs: Sequence[str]) -> str:
        """Replace the playlist of this id, or make one where it is "". Its id."""

    def delete_playlist(self, playlist: str) -> None: ...


class Left(NamedTuple):
    """What a push has not done: songs to look for in the next call; whether some were looked for in vain."""

    more: bool
    missed: bool


def push(player: Player, server: Server, now: datetime) -> Left:
    """Bring the server's playlists in line with the collections.

    Playlists that are not ours are not touched; one of ours that somebody deleted there is made again. Raises
    PlayerError.
    """
    player.lists.exclude(playlist__in=list(server.playlists())).delete()
    lists = {collection: _songs_of(collection) for collection in _collections()}
    wanted = {track for tracks in lists.values() for track in tracks}
    songs, more = _song_ids(player, server, wanted, now)
    kept = {row.collection_id: row for row in player.lists.all()}
    for collection, tracks in lists.items():
        row = kept.pop(collection.pk, None)
        _put(player, server, collection, row, [songs[track] for track in tracks if songs.get(track)])
    for row in kept.values():
        server.delete_playlist(row.playlist)
        row.delete()
    return Left(more, any(not songs.get(track) for track in wanted))


def forget_songs(player: Player, track_ids: Iterable[int]) -> None:
    """The files of these tracks have changed: the server may know them by other ids now."""
    player.songs.filter(track__in=id_subquery(track_ids)).delete()


def _collections() -> list[Collection]:
    """Albums are left out: every player shows those by itself."""
    rows = Collection.objects.enabled().filter(closed=False).exclude(kind=Collection.Kind.ALBUM)
    return list(rows.order_by("pk"))


def _songs_of(collection: Collection) -> list[int]:
    entries = collection.entries.filter(track__status=Track.Status.DOWNLOADED).order_by("position", "pk")
    return list(entries.values_list("track_id", flat=True))


def _put(player: Player, server: Server, collection: Collection, row: PlayerPlaylist | None, songs: list[str]) -> None:
    digest = blake2b("\n".join([collection.name, *songs]).encode(), digest_size=16).hexdigest()
    if (row and row.digest == digest) or (row is None and not songs):
        return
    try:
        made = server.put_playlist(row.playlist if row else "", collection.name, songs)
    except PlayerError as error:
        if error.code in NOT_FOUND:  # one of the songs has another id by now
            player.songs.filter(song__in=songs).delete()
        raise
    PlayerPlaylist.objects.update_or_create(
        player=player, collection=collection, defaults={"playlist": made, "digest": digest}
    )


# --- Songs ------------------------------------------------------------------------------------------------


def _song_ids(player: Player, server: Server, tracks: set[int], now: datetime) -> tuple[dict[int, str], bool]:
    """Track id -> the server's id, as far as known or found in this call; and whether some were not looked for yet."""
    rows = {row.track_id: row for row in player.songs.all()}
    known = {track: row.song for track, row in rows.items() if row.song}
    new = tracks - rows.keys()
    in_vain = sorted((row for row in rows.values() if not row.song and row.track_id in tracks), key=_age)
    asked = [*sorted(new), *(row.track_id for row in in_vain)][:SEARCHES]
    end = time.monotonic() + LOOKED_FOR
    looked = 0
    for track in (
        Track.objects.filter(pk__in=id_subquery(asked))
        .select_related("album", "folder")
        .prefetch_related("credits__artist")
    ):
        if time.monotonic() > end:
            break
        looked += 1
        song = _found(track, server.songs(track.title))
        known[track.pk] = song
        columns = {"song": song, "looked_at": now}
        PlayerSong.objects.update_or_create(player=player, track=track, defaults=columns)
    return known, looked < min(len(new), len(asked)) or len(new) > SEARCHES


def _age(row: PlayerSong) -> datetime:
    return row.looked_at


def _found(track: Track, songs: list[dict[str, Any]]) -> str:
    """The id of the song with the track's place, else with its title, album and artist; "" where none has."""
    place = path_key(f"{track.folder.path}/{track.file_name}".lstrip("/")) if track.folder else ""
    for song in songs:
        path = path_key(str(song.get("path") or "").lstrip("/"))
        if path and place and f"/{path}".endswith(f"/{place}"):
            return str(song.get("id", ""))
    album = track.album.title if track.album else ""
    wished = [path_key(track.title), path_key(album)]
    artists = {path_key(name) for name in track.artist_names}
    for song in songs:
        said = [path_key(str(song.get(name) or "")) for name in ("title", "album")]
        if said == wished and any(name in path_key(str(song.get("artist") or "")) for name in artists):
            return str(song.get("id", ""))
    return ""
