"""From the stage folder into the library: reserve, link, finish.

A file is staged in ``<music>/.incoming/<track>-<token>/`` on the library's own filesystem. Its place is reserved in
the row first and only then linked in, without ever overwriting: a crash at any moment leaves either no file, or
a file of the reserved size that carries the claim's key in its tags. Nothing here sleeps or reads a clock.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from catalog.models import Album, Library, Track
from catalog.music import path_template
from catalog.system.failpoints import failpoint
from catalog.tags import audio_tags
from catalog.tracks import transitions
from catalog.tracks.place import Place, PlaceTaken
from downloads.publishing.link_method import LINK as LINK  # for who moves files, and asks how
from downloads.publishing.link_method import NOT_SUPPORTED, PLACEHOLDER, file_at, mark_of, probe_method, put_in_place
from downloads.publishing.link_method import RENAME as RENAME

INCOMING = ".incoming"
MOST_NAMES = 50  # names tried for one track before its folder is called hopeless


logger = logging.getLogger(__name__)


class NoFreeName(Exception):
    """Every name that this track could have is taken."""


class LeaseLost(Exception):
    """The track is no longer ours: the deadline passed and somebody else decided about it."""


class Staged(NamedTuple):
    """What lies in the stage, ready to go: absolute path, size in bytes, extension without a dot."""

    path: str
    size: int
    extension: str


def key_of(track: Track) -> str:
    """What the tags of this claim's file say, so that recovery knows it again."""
    return f"{track.pk}:{track.claim}"


def key_in(path: str) -> str:
    """The claim's key in the tags of the file at ``path``, as `key_of` makes it; "" where there is none."""
    found = audio_tags.read_tags(path)
    return found.track_key if found else ""


def stage_folder(track: Track) -> str:
    """Where this claim's files are staged."""
    return os.path.join(settings.MUSIC_DIR, INCOMING, f"{track.pk}-{track.claim}")


def open_stage(track: Track) -> str:
    """Make the stage folder, readable by us alone. Its path."""
    with contextlib.suppress(FileExistsError):
        # Not makedirs: it would make the music folder too, under the mount point of a drive that has just gone.
        os.mkdir(os.path.join(settings.MUSIC_DIR, INCOMING), mode=0o700)
    stage = stage_folder(track)
    os.mkdir(stage, mode=0o700)
    return stage


def clear_stage(track: Track) -> None:
    """Remove the stage folder and whatever a child left in it. What the disk keeps is swept later.

    It goes at once, by a rename: a worker that is late must not take the half of it for a bad recording.
    """
    stage = stage_folder(track)
    going = f"{stage}.going"
    with contextlib.suppress(OSError):
        os.rename(stage, going)
    remove_stage(going)
    remove_stage(stage)


def remove_stage(folder: str) -> None:
    """Remove a folder in the stage; what the disk keeps stays for a later sweep."""
    with contextlib.suppress(OSError):  # rmtree ignores the errors of most of its calls, not of all
        shutil.rmtree(folder, ignore_errors=True)


def size_of(path: str) -> int:
    """Bytes of a staged file."""
    return os.stat(path).st_size


def discs_of(album: Album | None) -> int | None:
    """How many discs the album has, as far as its tracks tell."""
    discs = album and album.tracks.order_by("-disc_number").values_list("disc_number", flat=True).first()
    return discs or None


def naming_of(track: Track, discs: Callable[[Album | None], int | None] = discs_of) -> path_template.Naming:
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


def wished_place(track: Track, extension: str) -> Place:
    """Where the track belongs by the library's template, if nothing else is there."""
    return next(wished_places(track, [extension]))


def wished_places(track: Track, extensions: Iterable[str]) -> Iterator[Place]:
    """As `wished_place`, for each of these extensions."""
    template = Library.load().path_template or path_template.DEFAULT_TEMPLATE
    parts = naming_of(track)
    for extension in extensions:
        relative = path_template.relative_place(parts, extension, template)
        yield Place.of(settings.MUSIC_DIR, relative).in_known_folder()


def publish(track: Track, staged: Staged, now: Callable[[], datetime]) -> Place:
    """Bring the staged, tagged file into the library. The place that it got.

    Raises Lost, NoFreeName, or OSError where the disk refuses; the stage is the caller's to clear.
    """
    _sync_file(staged.path)
    failpoint("synced")
    place = _reserve_and_link(track, staged, now)
    try:
        failpoint("linked")
        _sync_folder(os.path.dirname(place.path))
        failpoint("folder_synced")
        finished = transitions.finish(track.pk, track.claim or "", now())
        if not finished:
            _take_back(track, place, staged, now())
    except Exception as error:
        # The file is in its place and the row names it: recovery will find it. To call this a failure would clear
        # the reservation and leave a file that nobody knows.
        logger.exception("Track %s is in its place, but its row could not be written", track.pk)
        raise LeaseLost from error
    if not finished:
        raise LeaseLost
    failpoint("finished")
    return place


def _reserve_and_link(track: Track, staged: Staged, now: Callable[[], datetime]) -> Place:
    first = wished_place(track, staged.extension)
    method = publish_method(os.path.dirname(staged.path))
    for attempt in range(MOST_NAMES):
        folder, name = first.folder, path_template.next_place(first.file_name, short_id(track), attempt)
        place = Place(first.root, folder, name)
        if _is_taken(place.path):
            continue
        try:
            if not transitions.reserve(track.pk, track.claim or "", place, staged.size, now()):
                raise LeaseLost
            failpoint("reserved")
            _make_folders(place)
            _put_in_place(staged.path, place.path, method)
        except (PlaceTaken, FileExistsError):
            continue
        except OSError as error:
            if method == PLACEHOLDER:
                _remove_own_placeholder(track, place)
            if error.errno in NOT_SUPPORTED:
                _forget_method()
            if isinstance(error, FileNotFoundError) and not transitions.holds(track.pk, track.claim or "", now()):
                raise LeaseLost from error  # recovery has taken our stage away
            raise
        return place
    raise NoFreeName(f"{first.relative} and {MOST_NAMES - 1} other names are taken by other files.")


def _put_in_place(staged: str, target: str, method: str) -> None:
    """As `put_in_place`. NFS can lose the answer to a link that worked, and tell the second try that the name is taken.

    Only here, where the staged file's own name cannot be the target in another case.
    """
    try:
        put_in_place(staged, target, method)
    except OSError:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.lstat(staged), os.lstat(target)):
                return
        raise


def _take_back(track: Track, place: Place, staged: Staged, now: datetime) -> None:
    """Our file is in the library, but the deadline has passed and recovery did not see it there.

    If the track still misses a file, this is it. Otherwise it has its own, or another worker is getting it: our link
    goes, and only ours, unless a row names it by now. Under the row's lock no worker can begin to adopt it between
    our look and its end.
    """
    with contextlib.suppress(PlaceTaken):
        if transitions.adopt(track.pk, place, staged.size, now, "published after its deadline"):
            return
    with transaction.atomic(), contextlib.suppress(OSError):
        list(Track.objects.select_for_update().filter(pk=track.pk).values_list("pk"))
        named = Track.objects.filter(local_path=place.path).exists()
        if not named and key_in(place.path) == key_of(track):
            os.unlink(place.path)


def _make_folders(place: Place) -> None:
    folder = os.path.dirname(place.path)
    if not _is_folder(settings.MUSIC_DIR):
        # makedirs would put a second library under the mount point of a drive that has just gone.
        raise FileNotFoundError(errno.ENOENT, "The music folder is gone", settings.MUSIC_DIR)
    made = []
    while folder != settings.MUSIC_DIR and not _is_folder(folder):
        made.append(folder)
        folder = os.path.dirname(folder)
    for folder in reversed(made):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
            _set_mode(folder, 0o777)


def _is_folder(path: str) -> bool:
    """As os.path.isdir, which takes every error for a no; here only what is absent is."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_taken(path: str) -> bool:
    """As os.path.lexists, in the same way."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def regular_size(path: str) -> int | None:
    """Bytes of the regular file at ``path``; None where there is none. OSError where that cannot be known."""
    found = file_at(path)
    return found.st_size if found else None


def _sync_file(path: str) -> None:
    """Other players must read it; and it must survive a power cut before its row says that it is there."""
    _set_mode(path, 0o666)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set_mode(path: str, mode: int) -> None:
    try:
        os.chmod(path, mode & ~settings.MUSIC_UMASK)
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:  # exFAT and many a share know no modes: the mount says who may read
            raise


def _sync_folder(path: str) -> None:
    with contextlib.suppress(OSError):  # not every filesystem can; the file itself is safe
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# --- How a file gets its name without overwriting ---------------------------------------------------------


def publish_method(folder: str) -> str:
    """How this library's filesystem puts a file in place; found out once, in ``folder``, kept in the library's row."""
    library = Library.load()
    if library.publish_method:
        return library.publish_method
    method = probe_method(folder)
    Library.objects.filter(pk=library.pk).update(publish_method=method)
    return method


def _forget_method() -> None:
    """The library may lie on another filesystem now: the next track finds out again."""
    Library.objects.update(publish_method="")


def remove_placeholder(track: Track) -> None:
    """Remove the placeholder of this claim, if that is what lies at its reserved place.

    Only while the claim's row is locked: then nobody else can have got the place since, and put a file there.
    """
    mark = mark_of(stage_folder(track))
    with contextlib.suppress(OSError):
        if regular_size(track.local_path) == len(mark):
            with open(track.local_path, "rb") as placeholder:
                ours = placeholder.read(len(mark)) == mark
            if ours:
                os.unlink(track.local_path)


def _remove_own_placeholder(track: Track, place: Place) -> None:
    """The file could not follow its placeholder. Who has lost the claim touches nothing: recovery sees to it."""
    with transaction.atomic():
        row = transitions.reservation(track.pk, track.claim or "", place.path).select_for_update().first()
        if row is not None:
            remove_placeholder(row)
