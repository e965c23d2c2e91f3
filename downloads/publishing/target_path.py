"""Where a track's file belongs by the library's template, and the names it may take where that one is taken."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings

from catalog.models import Album, Library, Track
from catalog.models.settings import value
from catalog.music import path_template
from catalog.scanning import ignored
from catalog.system.atomic_files import is_taken
from catalog.text.path_key import path_key
from catalog.tracks.place import Place

MAX_NAMES = 50  # names tried for one track before its folder is called hopeless


def disc_count(album: Album | None) -> int | None:
    """How many discs the album has, as far as its tracks tell."""
    discs = album and album.tracks.order_by("-disc_number").values_list("disc_number", flat=True).first()
    return discs or None


def path_fields(track: Track, discs: Callable[[Album | None], int | None] = disc_count) -> path_template.Naming:
    """What the track's path is made of. ``discs`` may remember what it has answered, where there are many tracks."""
    album: Album | None = track.album
    return path_template.Naming(
        title=track.title,
        artists=tuple(track.artist_names),
        album=album.title if album else "",
        album_artist=album.artist if album else "",
        track_number=track.track_number,
        disc_number=track.disc_number,
        disc_total=discs(album),
        year=album.release_date if album else "",
        compilation=album.compilation if album else False,
    )


def short_id(track: Track) -> str:
    """What stands behind a name that another file has already."""
    return (track.spotify_id or str(track.pk))[:8]


def target_place(track: Track, extension: str) -> Place:
    """Where the track belongs by the library's template, if nothing else is there."""
    return next(target_places(track, [extension]))


def target_places(track: Track, extensions: Iterable[str]) -> Iterator[Place]:
    """As `target_place`, for each of these extensions."""
    template = Library.load().path_template or path_template.DEFAULT_TEMPLATE
    fields, own = path_fields(track), value("IGNORED_FOLDERS")
    for extension in extensions:
        relative = ignored.outside(path_template.relative_place(fields, extension, template), own)
        yield Place.of(settings.MUSIC_DIR, relative).in_known_folder()


def free_name(first: str, short_id: str, track_id: int | None = None) -> str:
    """``first``, or the next name that neither a file nor a row other than ``track_id`` has.

    Raises FileExistsError where all are taken, OSError where that cannot be known.
    """
    for attempt in range(MAX_NAMES):
        place = Place.of(settings.MUSIC_DIR, path_template.next_place(first, short_id, attempt)).in_known_folder()
        rows = Track.objects.filter(folder__key=path_key(place.folder), name_key=path_key(place.file_name))
        if not is_taken(place.path) and not rows.exclude(pk=track_id).exists():
            return place.relative
    raise FileExistsError(errno.EEXIST, f"{MAX_NAMES} names are taken", first)
