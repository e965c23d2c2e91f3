"""The sample world with an archive server behind it: real audio over real HTTP."""

from __future__ import annotations

from pathlib import Path

from catalog.models import Track
from demo.archive import ArchiveServer, Song
from tests.audio import make_audio
from tests.world import World

SECONDS = 4


def missing_track(world: World, title: str = "Nocturne", **columns) -> Track:
    """A wanted, missing, due track of 4 seconds."""
    return world.make_track(title, duration_ms=SECONDS * 1000, **columns)


def serve(archive: ArchiveServer, track: Track, extension: str = "mp3", seconds: float = SECONDS, **changes) -> Song:
    """Put a real recording of the track on the server."""
    name = f"{len(archive.songs)}.{extension}"
    make_audio(Path(archive.folder) / name, seconds)
    fields = {
        "id": name,
        "title": track.title,
        "artists": tuple(track.artist_names),
        "album": track.album.title,
        "duration_ms": int(seconds * 1000),
        "file": name,
    }
    song = Song(**(fields | changes))
    archive.songs.append(song)
    return song
