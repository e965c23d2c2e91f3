"""The folders of ours in the music folder, and the one way to change what is in them.

The staging folder's content is deleted, the trash is written to: so both must prove to be ours, each time. They are
opened by descriptor without following a link, lie on the music folder's own filesystem, belong to us, and carry a mark.
What is in them is reached from that descriptor alone. A stranger's folder or a link of the same name raises
`ForeignFolder`, whose text is a sentence, and is left as it is.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.conf import settings

from catalog.models.settings import value
from catalog.system.atomic_files import is_taken

STAGING = ".tonekeep-incoming"
FORMER_STAGING = ".incoming"  # until 2026-11; others use this name too
TRASH = ".bin"

MARK = ".tonekeep-folder"
MARK_TEXT = b"This folder is Tonekeep's. What is in it may be moved or deleted by the program.\n"
# How players are told to leave a folder alone: MPD, Navidrome, Android and Kodi.
IGNORE_FILES = {".mpdignore": b"*\n", ".ndignore": b"", ".nomedia": b""}
STAGE_NAME = re.compile(r"\d{1,19}-([0-9a-f]{32}|[A-Za-z0-9.-]{1,20}-[0-9a-f]{10})(\.going)?")  # the first: of old
PROBE_NAME = re.compile(r"\.probe-[0-9a-f]{16}-[ab][aЖ中]*")
DAY_NAME = re.compile(r"\d{4}-\d\d-\d\d")


def playlists_folder() -> str:
    """The name of the folder of playlists, which a person may have changed on the page of settings."""
    return str(value("PLAYLISTS_FOLDER"))


class ForeignFolder(OSError):
    """A folder that should be ours is somebody else's. ``strerror`` is a whole sentence."""

    def __init__(self, name: str, reason: str) -> None:
        text = f"{path_of(name)} {reason}. Tonekeep needs that name: rename what is there."
        super().__init__(errno.ENOTDIR, text)

    def __str__(self) -> str:
        return str(self.strerror)


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """A folder of ours: its name, its mode when it is made, and which names in it are of our making."""

    name: str
    mode: Callable[[], int]
    is_our_name: Callable[[str], bool]


OWN_FOLDERS = {
    STAGING: OwnFolder(
        STAGING, lambda: 0o700, lambda name: bool(STAGE_NAME.fullmatch(name) or PROBE_NAME.fullmatch(name))
    ),
    TRASH: OwnFolder(
        TRASH,
        lambda: 0o777 & ~settings.MUSIC_UMASK,
        lambda name: bool(DAY_NAME.fullmatch(name) or PROBE_NAME.fullmatch(name)),
    ),
}
_OF_OURS = {MARK, *IGNORE_FILES}


def path_of(name: str) -> str:
    """The absolute path of a folder of ours."""
    return os.path.join(settings.MUSIC_DIR, name)


@contextmanager
def own_folder(name: str) -> Iterator[int]:
    """A descriptor of `STAGING` or `TRASH`, proven to be ours; made where it is not there.

    Raises ForeignFolder, FileNotFoundError where the music folder is gone, OSError where the disk refuses.
    """
    folder = OWN_FOLDERS[name]
    with _open_root() as root:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=root)
        with open_plain(name, root) as descriptor:
            _prove(folder, descriptor, root)
            yield descriptor


def problem_of(name: str, music_dir: str = "") -> str:
    """Why the folder of this name is not ours, in a sentence; "" where it is, or is not there. Changes nothing."""
    try:
        with _open_root(music_dir) as root, open_plain(name, root) as descriptor:
            _require_ours(OWN_FOLDERS[name], descriptor, root)
    except ForeignFolder as error:
        return str(error)
    except FileNotFoundError:
        return ""
    return ""


@contextmanager
def _open_root(music_dir: str = "") -> Iterator[int]:
    descriptor = os.open(music_dir or settings.MUSIC_DIR, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def open_plain(name: str, parent: int) -> Iterator[int]:
    """A descriptor of the folder ``name`` in ``parent``. Raises ForeignFolder for a link or another filesystem."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise ForeignFolder(name, "is a link or a file, not a folder") from error
        raise
    try:
        if os.fstat(descriptor).st_dev != os.fstat(parent).st_dev:
            raise ForeignFolder(name, "is on another disk than the music folder")
        yield descriptor
    finally:
        os.close(descriptor)


def _prove(folder: OwnFolder, descriptor: int, root: int) -> None:
    """Require that the folder is ours; one without anything of others in it becomes ours."""
    if not _require_ours(folder, descriptor, root):
        for name, content in {**IGNORE_FILES, MARK: MARK_TEXT}.items():  # the mark last: then all is done
            _write_once(name, content, descriptor)
        with suppress(OSError):  # exFAT and many a share know no modes
            os.fchmod(descriptor, folder.mode())


def _require_ours(folder: OwnFolder, descriptor: int, root: int) -> bool:
    """Whether the folder carries our mark; False where it has nothing but ours in it, so that it may get one."""
    # A share that is mounted for one user shows every file as that user's, the music folder too.
    if os.fstat(descriptor).st_uid not in {os.geteuid(), os.fstat(root).st_uid}:
        raise ForeignFolder(folder.name, "belongs to another user")
    if _is_marked(descriptor):
        return True
    if any(name not in _OF_OURS and not folder.is_our_name(name) for name in os.listdir(descriptor)):
        raise ForeignFolder(folder.name, "was not made by Tonekeep")
    return False


def _is_marked(descriptor: int) -> bool:
    try:
        mark = os.open(MARK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
    try:
        return os.read(mark, len(MARK_TEXT) + 1) == MARK_TEXT
    finally:
        os.close(mark)


def _write_once(name: str, content: bytes, folder: int) -> None:
    with suppress(FileExistsError):
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=folder)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)


# --- Changes in them --------------------------------------------------------------------------------------


@contextmanager
def open_parent(path: str) -> Iterator[tuple[int | None, str]]:
    """How to reach ``path`` for a change: (descriptor of its folder, name) in a folder of ours, else (None, path).

    In our folders no link is followed on the way, and the folder is proven first. Elsewhere a link is a person's
    choice: an artist's folder may lie on another disk.
    """
    relative = os.path.relpath(path, settings.MUSIC_DIR)
    first, *middle = relative.split("/")
    if first not in OWN_FOLDERS or not middle:
        yield None, path
        return
    with own_folder(first) as descriptor, _walk(middle[:-1], descriptor) as parent:
        yield parent, middle[-1]


@contextmanager
def _walk(names: list[str], folder: int) -> Iterator[int]:
    if not names:
        yield folder
        return
    with open_plain(names[0], folder) as descriptor, _walk(names[1:], descriptor) as last:
        yield last


def make_own_folders(relative: str) -> None:
    """Make a folder in a folder of ours, and those above it, as other programs may read them."""
    first, *names = relative.split("/")
    with own_folder(first) as descriptor:
        _make_below(names, descriptor, OWN_FOLDERS[first].mode())


def _make_below(names: list[str], folder: int, mode: int) -> None:
    if names:
        created = False
        with suppress(FileExistsError):
            os.mkdir(names[0], 0o700, dir_fd=folder)
            created = True
        with open_plain(names[0], folder) as descriptor:
            if created:
                with suppress(OSError):  # exFAT and many a share know no modes
                    os.fchmod(descriptor, mode)
            _make_below(names[1:], descriptor, mode)


def unlink(path: str) -> None:
    """Remove a file of the music folder that has proven to be ours, or to have another name by now."""
    with open_parent(path) as (parent, name):
        os.unlink(name, dir_fd=parent)


def remove_empty_folders(relative: str) -> None:
    """Remove a folder that its last file has left, and those above it; one that holds anything stays."""
    with suppress(OSError):
        while relative and relative not in OWN_FOLDERS:
            with open_parent(os.path.join(settings.MUSIC_DIR, relative)) as (parent, name):
                os.rmdir(name, dir_fd=parent)
            relative = relative.rpartition("/")[0]


# --- Stages -----------------------------------------------------------------------------------------------


def make_stage(name: str) -> str:
    """Make a folder in the staging folder, for us alone. Its path. FileExistsError: it is there."""
    with own_folder(STAGING) as staging:
        os.mkdir(name, 0o700, dir_fd=staging)
    return os.path.join(path_of(STAGING), name)


def remove_stage(name: str) -> None:
    """Remove a stage with whatever is in it; what the disk keeps is left to a later sweep.

    It goes at once, by a rename: a worker that is late must not take the half of it for a bad recording.
    """
    if not STAGE_NAME.fullmatch(name):
        raise ValueError(f"{name} is no stage's name")
    with suppress(OSError):
        if is_taken(path_of(STAGING)):
            with own_folder(STAGING) as staging:
                with suppress(OSError):
                    os.rename(name, f"{name}.going", src_dir_fd=staging, dst_dir_fd=staging)
                for stage in (f"{name}.going", name):
                    _remove_tree(stage, staging)


def _remove_tree(name: str, folder: int) -> None:
    """Remove a folder on this disk, of ours. A link of that name is not followed."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    home = os.fstat(folder)
    ours = stat.S_ISDIR(status.st_mode) and (status.st_dev, status.st_uid) == (home.st_dev, home.st_uid)
    if ours:
        with suppress(OSError):  # rmtree ignores the errors of most of its calls, not of all
            shutil.rmtree(name, ignore_errors=True, dir_fd=folder)


def stages() -> list[str]:
    """The names of the stages there are. Other things in the folder are none of ours. Changes nothing; OSError."""
    with suppress(FileNotFoundError), _open_root() as root, open_plain(STAGING, root) as staging:
        _require_ours(OWN_FOLDERS[STAGING], staging, root)
        return _stages_in(staging)
    return []


def _stages_in(folder: int) -> list[str]:
    return [name for name in os.listdir(folder) if STAGE_NAME.fullmatch(name)]


def remove_stages(is_live: Callable[[str], bool]) -> int:
    """Remove the stages whose names are not live, also those that an older version left in `FORMER_STAGING`.

    How many. Raises OSError.
    """
    count = 0
    if is_taken(path_of(STAGING)):
        with own_folder(STAGING) as staging:
            count += _remove_stale_stages(staging, is_live)
    return count + _remove_former_stages(is_live)


def _remove_stale_stages(folder: int, is_live: Callable[[str], bool]) -> int:
    stale = [name for name in _stages_in(folder) if not is_live(name)]
    for name in stale:
        _remove_tree(name, folder)
    return len(stale)


def _remove_former_stages(is_live: Callable[[str], bool]) -> int:
    """Only folders with the names that we gave, in a real folder of ours: it may be another program's too."""
    count = 0
    with suppress(FileNotFoundError, ForeignFolder), _open_root() as root, open_plain(FORMER_STAGING, root) as former:
        if os.fstat(former).st_uid in {os.geteuid(), os.fstat(root).st_uid}:
            count = _remove_stale_stages(former, is_live)
        if count:
            with suppress(OSError):  # something else is in it
                os.rmdir(FORMER_STAGING, dir_fd=root)
    return count
