"""Files that are in the library already and are a track's own: found by what their tags say, adopted before a fetch."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from catalog.models import Event, Track
from catalog.models.settings import value
from catalog.music.identity import identity_key
from catalog.scanning import ignored
from catalog.system.atomic_files import file_size
from catalog.system.failpoints import failpoint
from catalog.tags import tag_process
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken
from downloads.publishing import publish, target_path

EXTENSIONS = ("mp3", "m4a", "opus", "ogg", "flac")  # looked for where a track belongs


def find_own_file(track: Track) -> tuple[Place, int] | None:
    """A file in the library that is this track's: at its last known place, or where it belongs, with our id in it."""
    last_place = [Place(settings.MUSIC_DIR, track.folder.path, track.file_name)] if track.folder else []
    if last_place and ignored.is_foreign_folder(last_place[0].folder, value("IGNORED_FOLDERS")):
        last_place = []  # the next pass would call it gone again
    for place in [*last_place, *target_path.target_places(track, EXTENSIONS)]:
        size = file_size(place.path)
        if size is not None and is_of(track, place.path):
            return place, size
    return None


def is_of(track: Track, path: str) -> bool:
    """Whether the file's tags name this track: its Spotify id, or its row beside its ISRC or its spelling.

    The row's number alone proves nothing: in another database it was another track's.
    """
    tags = tag_process.read_tags(path)
    if tags is None:
        return False
    if track.spotify_id and track.spotify_id in tags.spotify_ids:
        return True
    same_isrc = bool(track.isrc) and tags.isrc == track.isrc
    same_words = bool(track.identity) and identity_key(tags.title, tags.artists) == track.identity
    return tags.track_key.partition(":")[0] == str(track.pk) and (same_isrc or same_words)


def adopt_own_file(track: Track, place: Place, size: int, now: datetime) -> bool:
    """Make a file that is already in the library the claimed track's. False: it is another row's, or has just gone.

    Raises LeaseLost where the track is no longer ours.
    """
    try:
        if not transitions.reserve(track.pk, track.claim or "", place, size, now):
            raise publish.LeaseLost
    except PlaceTaken:
        return False
    failpoint("adopted")
    if file_size(place.path) != size:  # whoever had put it there took it back before our reservation
        return False
    if not transitions.finish(track.pk, track.claim or "", now, Event.Kind.ADOPT, "already in the library"):
        raise publish.LeaseLost
    return True
