"""From the stage folder into the library: reserve, link, finish; and what a crash left.

A file is staged in ``<music>/.incoming/<track>-<token>/`` on the library's own filesystem. Its place is reserved in
the row first and only then linked in, without ever overwriting: a crash at any moment leaves either no file, or
a file of the reserved size that carries the claim's key in its tags. Nothing here sleeps or reads a clock.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from catalog import lifecycle, naming, tags
from catalog.lifecycle import Place, PlaceTaken
from catalog.models import Album, Event, Library, Track
from downloads.points import reach

INCOMING = ".incoming"
LINK, RENAME, PLACEHOLDER = "link", "rename", "placeholder"
MOST_NAMES = 50  # names tried for one track before its folder is called hopeless

# How an operation that a filesystem does not know is refused (FAT, exFAT, some SMB and FUSE).
NOT_SUPPORTED = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EXDEV, errno.EMLINK}
RENAME_NOREPLACE = 1
AT_FDCWD = -100


class NoFreeName(Exception):
    """Every name that this track could have is taken."""


class Lost(Exception):
    """The track is no longer ours: the deadline passed and somebody else decided about it."""


class Staged(NamedTuple):
    """What lies in the stage, ready to go: absolute path, size in bytes, extension without a dot."""

    path: str
    size: int
    extension: str


def key_of(track: Track) -> str:
    """What the tags of this claim's file say, so that recovery knows it again."""
    return f"{track.pk}:{track.claim}"


def stage_folder(track: Track) -> str:
    """Where this claim's files are staged."""
    return os.path.join(settings.MUSIC_DIR, INCOMING, f"{track.pk}-{track.claim}")


def open_stage(track: Track) -> str:
    """Make the stage folder, readable by us alone. Its path."""
    os.makedirs(os.path.join(settings.MUSIC_DIR, INCOMING), mode=0o700, exist_ok=True)
    stage = stage_folder(track)
    os.mkdir(stage, mode=0o700)
    return stage


def clear_stage(track: Track) -> None:
    """Remove the stage folder and whatever a child left in it."""
    shutil.rmtree(stage_folder(track), ignore_errors=True)


def size_of(path: str) -> int:
    """Bytes of a staged file."""
    return os.stat(path).st_size


def naming_of(track: Track) -> naming.Naming:
    """What the track's path is made of."""
    album: Album | None = track.album
    return naming.Naming(
        title=track.title,
        artists=tuple(track.artist_names),
        album=album.title if album else "",
        album_artist=album.artist if album else "",
        track_number=track.track_number,
        disc_number=track.disc_number,
        disc_total=_discs(album),
        year=album.release_date if album else "",
        compilation=album.compilation if album else False,
    )


def _discs(album: Album | None) -> int | None:
    discs = album and album.tracks.order_by("-disc_number").values_list("disc_number", flat=True).first()
    return discs or None


def wished_place(track: Track, extension: str) -> Place:
    """Where the track belongs by the library's template, if nothing else is there."""
    template = Library.load().path_template or naming.DEFAULT_TEMPLATE
    relative = naming.relative_place(naming_of(track), extension, template)
    return Place.of(settings.MUSIC_DIR, relative).in_known_folder()


def publish(track: Track, staged: Staged, now: Callable[[], datetime]) -> Place:
    """Bring the staged, tagged file into the library. The place that it got.

    Raises Lost, NoFreeName, or OSError where the disk refuses; the stage is the caller's to clear.
    """
    _sync_file(staged.path)
    reach("synced")
    place = _reserve_and_link(track, staged, now)
    reach("linked")
    _sync_folder(os.path.dirname(place.path))
    reach("folder_synced")
    if not lifecycle.finish(track.pk, track.claim or "", now()):
        _take_back(track, place, staged, now())
        raise Lost
    reach("finished")
    return place


def _reserve_and_link(track: Track, staged: Staged, now: Callable[[], datetime]) -> Place:
    first = wished_place(track, staged.extension)
    short_id = (track.spotify_id or str(track.pk))[:8]
    for attempt in range(MOST_NAMES):
        folder, name = first.folder, naming.next_place(first.file_name, short_id, attempt)
        place = Place(first.root, folder, name)
        if os.path.lexists(place.path):
            continue
        try:
            if not lifecycle.reserve(track.pk, track.claim or "", place, staged.size, now()):
                raise Lost
            reach("reserved")
            _make_folders(place)
            put_in_place(staged.path, place.path, publish_method())
        except (PlaceTaken, FileExistsError):
            continue
        return place
    raise NoFreeName(f"{first.relative} and {MOST_NAMES - 1} other names are taken.")


def _take_back(track: Track, place: Place, staged: Staged, now: datetime) -> None:
    """Our file is in the library, but the deadline has passed and recovery did not see it there.

    If the track still misses a file, this is it. Otherwise the row has its own: our link goes, and only ours. A row
    that is being fetched again keeps it: its worker adopts what carries the track's id.
    """
    with contextlib.suppress(PlaceTaken):
        if lifecycle.adopt(track.pk, place, staged.size, now, "published after its deadline"):
            return
    row = Track.objects.filter(pk=track.pk).values("status", "local_path").first()
    if row and row["status"] == Track.Status.DOWNLOADED and row["local_path"] != place.path:
        with contextlib.suppress(OSError):
            if _key_in(place.path) == key_of(track):
                os.unlink(place.path)


def _make_folders(place: Place) -> None:
    folder = os.path.dirname(place.path)
    if not os.path.isdir(settings.MUSIC_DIR):
        # makedirs would put a second library under the mount point of a drive that has just gone.
        raise FileNotFoundError(errno.ENOENT, "The music folder is gone", settings.MUSIC_DIR)
    made = []
    while folder != settings.MUSIC_DIR and not os.path.isdir(folder):
        made.append(folder)
        folder = os.path.dirname(folder)
    for folder in reversed(made):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
            os.chmod(folder, 0o777 & ~settings.MUSIC_UMASK)


def _sync_file(path: str) -> None:
    """Other players must read it; and it must survive a power cut before its row says that it is there."""
    os.chmod(path, 0o666 & ~settings.MUSIC_UMASK)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: str) -> None:
    with contextlib.suppress(OSError):  # not every filesystem can; the file itself is safe
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# --- How a file gets its name without overwriting ---------------------------------------------------------


def publish_method() -> str:
    """How this library's filesystem puts a file in place; found out once, kept in the library's row."""
    library = Library.load()
    if library.publish_method:
        return library.publish_method
    method = probe_method(os.path.join(settings.MUSIC_DIR, INCOMING))
    Library.objects.filter(pk=library.pk).update(publish_method=method)
    return method


def probe_method(folder: str) -> str:
    """The best way that works between two names in ``folder``: a hard link, a rename that refuses, a placeholder."""
    source, target = (os.path.join(folder, f".probe-{os.getpid()}-{name}") for name in ("a", "b"))
    try:
        for method in (LINK, RENAME):
            with open(source, "w"):
                pass
            with contextlib.suppress(OSError):
                put_in_place(source, target, method)
                return method
        return PLACEHOLDER
    finally:
        for path in (source, target):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def put_in_place(source: str, target: str, method: str) -> None:
    """Give ``source`` the name ``target``. FileExistsError where the name is taken; nothing is ever overwritten."""
    if method == LINK:
        os.link(source, target, follow_symlinks=False)
    elif method == RENAME:
        _rename_noreplace(source, target)
    else:
        # Whoever makes the empty file owns the name; replacing one's own placeholder overwrites nothing.
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        os.replace(source, target)


def _rename_noreplace(source: str, target: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, "renameat2 is not known here")
    if libc.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), RENAME_NOREPLACE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


# --- Files that are already there -------------------------------------------------------------------------


def find_own_file(track: Track, extensions: tuple[str, ...]) -> tuple[Place, int] | None:
    """A file in the library that is this track's: at its last known place, or where it belongs, with our id in it."""
    known = [Place(settings.MUSIC_DIR, track.folder.path, track.file_name)] if track.folder else []
    for place in [*known, *(wished_place(track, extension) for extension in extensions)]:
        size = _regular_size(place.path)
        if size is not None and _is_of(track, place, size):
            return place, size
    return None


def _is_of(track: Track, place: Place, size: int) -> bool:
    found = tags.read_tags(place.path)
    if found is None:
        return False
    if track.spotify_id and track.spotify_id in found.spotify_ids:
        return True
    return found.track_key.partition(":")[0] == str(track.pk) and bool(track.isrc) and found.isrc == track.isrc


def adopt_own_file(track: Track, place: Place, size: int, now: datetime) -> bool:
    """Make a file that is already in the library the claimed track's. False: it is another row's, or we lost it."""
    try:
        if not lifecycle.reserve(track.pk, track.claim or "", place, size, now):
            return False
    except PlaceTaken:
        return False
    if _regular_size(place.path) != size:  # whoever had put it there took it back before our reservation
        return False
    return lifecycle.finish(track.pk, track.claim or "", now, Event.Kind.ADOPT, "already in the library")


def _key_in(path: str) -> str:
    found = tags.read_tags(path)
    return found.track_key if found else ""


def _regular_size(path: str) -> int | None:
    """Bytes of the regular file at ``path``; None where there is none. OSError where that cannot be known."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


# --- After a crash ----------------------------------------------------------------------------------------


def recover(track: Track, retry_after: datetime, now: datetime) -> bool:
    """Decide about a track whose worker's deadline has passed. False: somebody else has. OSError: it cannot be known.

    Downloaded only if a regular file of the reserved size at the reserved place carries this claim's key.
    """
    reach("recovering")
    published = track.reserved and _was_published(track)
    if published:
        decided = lifecycle.recover_downloaded(track, now, "its worker ended after it was published")
    else:
        decided = lifecycle.recover_missing(track, retry_after, now, "its worker ended before it was done")
    reach("recovered")
    if decided:
        clear_stage(track)
    return decided


def _was_published(track: Track) -> bool:
    size = _regular_size(track.local_path)
    if size is None or size != track.size:
        return False
    if _key_in(track.local_path) == key_of(track):
        return True
    found = tags.read_tags(track.local_path)  # it was being adopted: then it has the track's id, not the claim's key
    return bool(found and track.spotify_id and track.spotify_id in found.spotify_ids)


def sweep_stages() -> int:
    """Remove stage folders whose claim is no longer held by anybody. How many."""
    incoming = os.path.join(settings.MUSIC_DIR, INCOMING)
    try:
        found = [entry.name for entry in os.scandir(incoming) if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return 0
    live = {f"{pk}-{claim}" for pk, claim in Track.objects.exclude(claim=None).values_list("pk", "claim")}
    stale = [name for name in found if name not in live]
    for name in stale:
        shutil.rmtree(os.path.join(incoming, name), ignore_errors=True)
    return len(stale)
