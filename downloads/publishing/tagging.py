"""What a file is given beside its sound: tags, its cover, and a picture of the album in the album's folder."""

from __future__ import annotations

import logging
import os
import secrets
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from django.conf import settings

from catalog.models import Album, Library, Track
from catalog.music import path_template
from catalog.system.atomic_files import write_new
from catalog.tags import audio_tags, tag_process
from catalog.tags.tag_fields import Fields, fields_of
from catalog.tracks.place import Place
from downloads.failures.kinds import DownloadError
from downloads.publishing import link_method, staging
from downloads.publishing.cover_art import cover

VARIOUS = "Various Artists"  # what Picard, beets, Navidrome, Jellyfin and MPD know compilations by
# A folder that has one of these has its picture: https://www.navidrome.org/docs/usage/artwork/, kodi, jellyfin.
PICTURES = frozenset({"cover", "folder", "front", "albumart", "album"})
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}

logger = logging.getLogger(__name__)


class Size(NamedTuple):
    """How large an album is, as far as that is known. ``tracks``: of each disc, where all of the album is known."""

    disc_total: int | None = None
    total_tracks: int | None = None
    tracks: dict[int, int] | None = None

    def tracks_of(self, disc: int | None) -> int | None:
        """How many tracks this disc has. Of an album that nobody knows whole, all are taken to be on its one disc."""
        if self.tracks is not None:
            return self.tracks.get(disc or 1)
        return self.total_tracks if self.disc_total is None else None


NO_SIZE = Size()
AlbumSize = Callable[[Album], Size]


def size_of(album: Album) -> Size:
    """Of an album of which another disc is known but not all tracks, only the number of discs so far."""
    numbers = Counter[int]()
    for disc, _ in set(album.tracks.exclude(track_number=None).values_list("disc_number", "track_number")):
        numbers[disc or 1] += 1
    discs = max(numbers, default=1)
    if album.total_tracks and numbers.total() == album.total_tracks:
        return Size(discs, album.total_tracks, dict(numbers))
    return Size(discs if discs > 1 else None, album.total_tracks)


def in_words(names: list[str]) -> str:
    """Names as people read them: "A", "A & B", "A, B & C"."""
    return " & ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _release_type(album: Album) -> tuple[str, ...]:
    """As MusicBrainz says it: a compilation is a kind of album."""
    return (
        ("album", "compilation") if album.release_type == "compilation" else tuple(filter(None, [album.release_type]))
    )


def write_tags(track: Track, path: str) -> Fields:
    """Write what the catalog knows into the staged file; the fields that were written.

    DownloadError bad_file where it cannot carry tags.
    """
    library = Library.load()
    album, tags = track.album, tags_of(track, joined=library.artist_tag == Library.ArtistTag.JOINED)
    try:
        tag_process.write_tags(path, tags, cover(album.cover_url) if album else None, library.id3_version)
    except audio_tags.TagError as error:
        raise DownloadError("bad_file", str(error)) from error
    return fields_of(tags)


def tags_of(track: Track, album_size: AlbumSize | None = None, joined: bool = True) -> audio_tags.TrackTags:
    """A track's tags. Several discs are said as such; a compilation without an album artist has the usual one.

    ``album_size`` may remember what it has answered, where there are many tracks. ``joined``: ARTIST is one text.
    """
    album = track.album
    size = (album_size or size_of)(album) if album else NO_SIZE
    return audio_tags.TrackTags(
        title=track.title,
        artists=tuple(track.artist_names),
        artist_text=in_words(track.artist_names) if joined else "",
        album=album.title if album else "",
        album_artist=_album_artist(album) if album else "",
        album_artists=_album_artists(track, album) if album else (),
        track_number=track.track_number,
        disc_number=track.disc_number,
        track_total=size.tracks_of(track.disc_number),
        disc_total=size.disc_total,
        release_type=_release_type(album) if album else (),
        label=album.label if album else "",
        copyright=album.copyright if album else "",
        date=album.release_date if album else "",
        isrc=track.isrc,
        spotify_id=track.spotify_id or "",
        compilation=album.compilation if album else False,
        explicit=track.explicit,
        track_key=staging.claim_key(track),
    )


def _album_artist(album: Album) -> str:
    return album.artist or (VARIOUS if album.compilation else "")


def _album_artists(track: Track, album: Album) -> tuple[str, ...]:
    """The album's artists one by one, where the credits of the track tell how their joined names are to be read.

    "Tyler, The Creator" is one artist, "JAY-Z, Kanye West" are two: only names that we have from a credit decide.
    """
    if album.artist_names and album.artist == ", ".join(album.artist_names):
        return tuple(album.artist_names)
    names, text = track.artist_names, _album_artist(album)
    for count in range(1, len(names) + 1):
        if ", ".join(names[:count]) == text:
            return tuple(names[:count])
    return () if not text or "," in text else (text,)


def put_cover(track: Track, place: Place) -> str:
    """Put the album's picture as cover.jpg into the album's own folder; its path, or "" where there is none to put.

    Never over anything: a folder that has a picture keeps it. It is a nicety: no failure of it is the track's.
    """
    picture = cover(track.album.cover_url) if track.album and _is_albums_own(place, track.album) else None
    ending = ENDINGS.get(audio_tags.picture_type(picture or b""))
    folder = os.path.dirname(place.path)
    try:
        if picture is None or ending is None or _has_picture(folder):
            return ""
        return _write(staging.stage_folder(track), os.path.join(folder, f"cover.{ending}"), picture)
    except OSError as error:
        logger.info("No cover in %s: %s", folder, error.strerror)
        return ""


def _is_albums_own(place: Place, album: Album) -> bool:
    """Whether the folder is this album's: the template says so, and no other album's track is in it."""
    template = Library.load().path_template or path_template.DEFAULT_TEMPLATE
    if not place.folder or "{album}" not in template.rpartition("/")[0]:
        return False
    others = Track.objects.filter(folder__path=place.folder).exclude(album=album)
    return not others.exists()


def _has_picture(folder: str) -> bool:
    with os.scandir(folder) as entries:
        names = (entry.name.casefold().rpartition(".") for entry in entries)
        return any(stem in PICTURES and ending in {*ENDINGS.values(), "jpeg"} for stem, _, ending in names)


def _write(stage: str, path: str, picture: bytes) -> str:
    """By the same way as a track: whole, or not at all, and never over what somebody put there meanwhile."""
    draft = os.path.join(stage, f"cover-{secrets.token_hex(8)}")
    try:
        write_new(draft, picture, 0o666 & ~settings.MUSIC_UMASK)
        link_method.put_on_any_drive(draft, path, link_method.link_method(stage))
    except FileExistsError:
        return ""
    finally:
        staging.remove_draft(draft)
    return path
