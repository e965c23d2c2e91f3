"""The small cover of each album that pages show: out of the album's files, else once from Spotify's image host.

A job works here, never a page: it reads the music folder and asks another host. What it finds lies in DATA_DIR, up to
`MOST_BYTES`; where nothing is to be had, that is remembered, and nobody is asked again for days.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, F, Max, OuterRef, QuerySet, Sum

from catalog.models import Album, Track
from catalog.storage import state as storage
from catalog.tags import tag_process
from downloads.models import AlbumCover
from downloads.publishing import cover_art
from downloads.publishing.cover_thumbnail import write_small
from downloads.publishing.tagging import ENDINGS, PICTURES

BATCH = 50  # albums in one go; another job does the rest, so that others come between
MOST_BYTES = 1_000_000_000  # of small copies: 60,000 albums and more
REFUSED_FOR = timedelta(days=7)  # the host answered, and had no picture
NO_ANSWER_FOR = timedelta(days=3)
FAILURES_TO_REST = 3  # so many without an answer within `REST`: the host is not asked meanwhile
REST = timedelta(hours=1)
ORIGINALS_KEPT = timedelta(days=30)  # the pictures that `cover_art` keeps for an album's other tracks
LOOKED_AGAIN = timedelta(days=30)  # at files that had none
FILES_TRIED = 3  # of an album, for a picture in one of them
BY_FOLDER = 1000  # albums to a folder of DATA_DIR

logger = logging.getLogger(__name__)
Stop = Callable[[], bool]


def kept_at(album_id: int) -> Path:
    """Where the small cover of an album lies, if there is one."""
    return Path(settings.DATA_DIR) / "covers" / str(album_id // BY_FOLDER) / f"{album_id}.jpg"


def is_work(now: datetime) -> bool:
    """Whether `find` has something to do. A few reads by key: the tick asks each minute."""
    if not (_new().exists() or _to_look(now).exists() or (_to_fetch(now).exists() and not _rests(now))):
        return False
    return _bytes_kept() < MOST_BYTES


def find(now: datetime, should_stop: Stop) -> int:
    """Look for some of the covers that are due; how many albums were looked at."""
    if not is_work(now):
        return 0
    _enlist(now)
    looked = 0
    for row in list(_to_look(now).select_related("album")[:BATCH]):
        if should_stop():
            return looked
        _look(row, now)
        looked += 1
    for row in list(_to_fetch(now)[: BATCH - looked]):
        if should_stop() or _rests(now):
            break
        _fetch(row, now)
        looked += 1
    return looked


def tidy(now: datetime) -> None:
    """Once a day: find out what has changed since the covers were looked for, and remove what nobody needs.

    Albums that are wanted again, or have another address, or a file by now, are looked at again; so are those whose
    copy is gone. Copies of albums that nobody wants go, and large pictures that have served their songs.
    """
    last = _last_enlisted()
    late = Album.objects.filter(wanted=True, small_cover=None, pk__lte=last).values_list("pk", flat=True)
    AlbumCover.objects.bulk_create([AlbumCover(album_id=pk, look_at=now) for pk in late], batch_size=1000)
    AlbumCover.objects.exclude(address=F("album__cover_url")).update(look_at=now)
    here = Track.objects.filter(album=OuterRef("pk"), status=Track.Status.DOWNLOADED)
    AlbumCover.objects.filter(Exists(here), look_at=None, kept=False).update(look_at=now)
    for pk in _unwanted():
        kept_at(pk).unlink(missing_ok=True)
    AlbumCover.objects.filter(album__wanted=False).delete()
    gone = [pk for pk in AlbumCover.objects.filter(kept=True).values_list("pk", flat=True) if not kept_at(pk).exists()]
    AlbumCover.objects.filter(pk__in=gone).update(kept=False, size=0, look_at=now)
    _remove_originals(now)


def _unwanted() -> list[int]:
    return list(AlbumCover.objects.filter(kept=True, album__wanted=False).values_list("pk", flat=True))


def _remove_originals(now: datetime) -> None:
    folder = Path(settings.DATA_DIR) / "covers"
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        files = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
    for file in files:
        if file.stat().st_mtime < (now - ORIGINALS_KEPT).timestamp():
            Path(file.path).unlink(missing_ok=True)


# --- What is due ------------------------------------------------------------------------------------------


def _last_enlisted() -> int:
    return AlbumCover.objects.aggregate(last=Max("pk"))["last"] or 0


def _new() -> QuerySet[Album]:
    """Albums that came after all that were looked at: by key, and without a look at the others."""
    return Album.objects.filter(wanted=True, pk__gt=_last_enlisted()).order_by("pk")


def _enlist(now: datetime) -> None:
    new = _new().values_list("pk", flat=True)[:BATCH]
    AlbumCover.objects.bulk_create([AlbumCover(album_id=pk, look_at=now) for pk in new], ignore_conflicts=True)


def _to_look(now: datetime) -> QuerySet[AlbumCover]:
    return AlbumCover.objects.filter(look_at__lte=now).order_by("look_at", "pk")


def _to_fetch(now: datetime) -> QuerySet[AlbumCover]:
    return AlbumCover.objects.filter(fetch_at__lte=now).order_by("fetch_at", "pk")


def _rests(now: datetime) -> bool:
    """Whether the host gave no answer several times lately."""
    lately = AlbumCover.objects.filter(unreachable_at__gt=now - REST, unreachable_at__lte=now)
    return lately.order_by()[:FAILURES_TO_REST].count() >= FAILURES_TO_REST


def _bytes_kept() -> int:
    return AlbumCover.objects.filter(kept=True).aggregate(total=Sum("size"))["total"] or 0


# --- One album --------------------------------------------------------------------------------------------


def _look(row: AlbumCover, now: datetime) -> None:
    """Take the first picture that is one. Without any, the host's turn comes, if the address is one of its own."""
    address = row.album.cover_url
    files = _files(row.album)
    for picture in chain(_left_by_a_download(address), _in_files(files), _beside(row.album, files)):
        if size := write_small(picture, kept_at(row.pk)):
            _keep(row, size, address)
            return
    asked = row.fetch_at if address == row.address else None  # an answer, or none, that counts for some days
    fetch_at = (asked or now) if cover_art.is_cover_address(address) else None
    look_at = now + LOOKED_AGAIN if files else None  # `tidy` says when there are files
    AlbumCover.objects.filter(pk=row.pk).update(look_at=look_at, address=address, fetch_at=fetch_at, kept=False, size=0)


def _files(album: Album) -> list[tuple[str, int]]:
    """Path and folder of some of the album's files; none while the music folder cannot be read."""
    if not storage.current().may_read:
        return []
    here = Track.objects.filter(album=album, status=Track.Status.DOWNLOADED).order_by("disc_number", "track_number")
    return list(here.values_list("local_path", "folder")[:FILES_TRIED])


def _left_by_a_download(address: str) -> Iterator[bytes]:
    try:
        yield cover_art.kept_path(address).read_bytes()
    except OSError:
        return  # the usual case: there is none


def _in_files(files: list[tuple[str, int]]) -> Iterator[bytes]:
    for path, _ in files:
        try:
            picture = tag_process.read_picture(path)
        except OSError as error:
            logger.info("No cover out of %s: %s", path, error.strerror)
            continue
        if picture:
            yield picture


def _beside(album: Album, files: list[tuple[str, int]]) -> Iterator[bytes]:
    """The pictures of folders that hold this album's songs alone."""
    for number, folder in {number: os.path.dirname(path) for path, number in files}.items():
        if Track.objects.filter(folder=number).exclude(album=album).exists():
            continue
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if _is_cover_name(entry.name) and entry.is_file())
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    yield file.read(cover_art.LARGEST)
        except OSError as error:
            logger.info("No cover out of %s: %s", folder, error.strerror)


def _is_cover_name(name: str) -> bool:
    stem, _, ending = name.casefold().rpartition(".")
    return stem in PICTURES and ending in {*ENDINGS.values(), "jpeg"}


def _fetch(row: AlbumCover, now: datetime) -> None:
    """Ask Spotify's image host, once; where that brings nothing, not again for days."""
    import requests  # here: most processes never fetch a picture (4 MB)

    try:
        picture = cover_art.fetch_picture(row.address)
    except requests.RequestException as error:
        logger.info("No cover: %s", type(error).__name__)
        AlbumCover.objects.filter(pk=row.pk).update(fetch_at=now + NO_ANSWER_FOR, unreachable_at=now)
        return
    size = write_small(picture, kept_at(row.pk)) if picture else 0
    if size:
        _keep(row, size, row.address)
    else:
        AlbumCover.objects.filter(pk=row.pk).update(fetch_at=now + REFUSED_FOR, unreachable_at=None)


def _keep(row: AlbumCover, size: int, address: str) -> None:
    AlbumCover.objects.filter(pk=row.pk).update(
        kept=True, size=size, address=address, look_at=None, fetch_at=None, unreachable_at=None
    )
