"""One file gets another name in the music folder, and whatever a crash leaves can be finished or taken back.

A move is written down in a row of its own before its file is touched. Then the file gets its new name, the track's row
follows, and the old name goes: where the disk has links the file has two names for a moment, else it is renamed. It is
never nowhere, and nothing is ever overwritten. Last go its companions: files that bear its name. The row and the disk
tell how far it came.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable

from django.conf import settings

from catalog.scanning.untracked import AUDIO
from catalog.storage import mounts, own_folders
from catalog.storage.own_folders import OWN_FOLDERS
from catalog.system.atomic_files import file_at, is_taken, make_folders
from catalog.system.failpoints import failpoint
from catalog.text.path_key import path_key
from catalog.tracks.place import PlaceTaken
from downloads.publishing import link_method
from downloads.publishing.target_path import MAX_NAMES


def absolute(relative: str) -> str:
    """The absolute path of a place in the music folder."""
    return os.path.join(settings.MUSIC_DIR, relative)


class JournaledMove(ABC):
    """A move that is written down. ``source`` and ``target`` are relative to the music folder.

    ``size`` are the bytes that the file must have to be known again by its place alone, None for any.
    """

    source: str
    target: str
    size: int | None = None
    linked_point = "move_linked"
    followed_point = "move_named"

    @abstractmethod
    def follow(self) -> bool:
        """Let the track's row name the target, if it does not yet. False: it says something else by now."""

    @abstractmethod
    def done(self) -> None:
        """Write down that the file has arrived."""

    @abstractmethod
    def undone(self) -> None:
        """Write down that the row did not follow, and that the file has its old name alone."""

    def companions(self) -> Iterable[tuple[str, str]]:
        """(place, new place) of sound files whose companions move now: by default those of the file itself."""
        return [(self.source, self.target)]

    def take_next_target(self) -> None:
        """The target is taken: write down another. By default that ends the move."""
        raise FileExistsError(17, "The name is taken", self.target)


def link_to_target(move: JournaledMove, method: str) -> None:
    """Give the file its new name. Raises FileExistsError where none is free, OSError where the disk refuses."""
    for _ in range(MAX_NAMES):
        make_parents(move.target)
        with contextlib.suppress(FileExistsError):
            if not is_taken(absolute(move.target)):
                link_method.put_in_place(absolute(move.source), absolute(move.target), method)
                failpoint(move.linked_point)
                return
        move.take_next_target()
    raise FileExistsError(17, f"{MAX_NAMES} names are taken", move.target)


def make_parents(relative: str) -> None:
    """Make the folders of a place, as other programs may read them; never the music folder itself."""
    folder = relative.rpartition("/")[0]
    if folder.partition("/")[0] in OWN_FOLDERS:
        own_folders.make_own_folders(folder)
    else:
        mounts.require(settings.MUSIC_DIR, folder)
        make_folders(settings.MUSIC_DIR, folder, 0o777 & ~settings.MUSIC_UMASK)


def is_linked(move: JournaledMove) -> bool:
    """Whether the file has its new name: both names lead to it, or the new one alone."""
    source, target = file_at(absolute(move.source)), file_at(absolute(move.target))
    if target is None:
        return False
    return _is_one_file(move.source, move.target) if source else move.size in {None, target.st_size}


def is_lost(move: JournaledMove) -> bool:
    """Whether neither name leads to the file: somebody took it."""
    return file_at(absolute(move.source)) is None and not is_linked(move)


def complete(move: JournaledMove, method: str) -> bool:
    """The file has its new name: the row follows, the old name goes and its companions move. False: the new name went
    instead.

    Raises PlaceTaken, with the new name gone too. Another error decides nothing: the row may have followed.
    """
    try:
        followed = move.follow()
    except PlaceTaken:
        undo_link(move, method)
        raise
    if followed:
        failpoint(move.followed_point)
        remove_name(move.source, move.target)
        for source, target in move.companions():
            move_companions(source, target, method)
        move.done()
    else:
        undo_link(move, method)
        move.undone()
    return followed


def move_companions(source: str, target: str, method: str) -> None:
    """Move what bears a moved song's name along with it: lyrics, a picture, notes; other sound is not its own.

    A second call goes on where a crash ended the first. What finds its new name taken stays where it is.
    """
    folder, stem = os.path.dirname(source), os.path.splitext(os.path.basename(source))[0]
    if os.path.splitext(source)[0] == os.path.splitext(target)[0]:
        return
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(absolute(folder))):
            old, new = os.path.join(folder, name), os.path.splitext(target)[0] + os.path.splitext(name)[1]
            if os.path.splitext(name)[0] == stem and not name.lower().endswith(AUDIO) and file_at(absolute(old)):
                with contextlib.suppress(FileExistsError):
                    link_method.put_in_place(absolute(old), absolute(new), method)
                    failpoint("companion_linked")
                remove_name(old, new)


def undo_link(move: JournaledMove, method: str) -> None:
    """The row did not follow: the file is to have its old name alone."""
    if file_at(absolute(move.source)) is None:
        link_method.put_in_place(absolute(move.target), absolute(move.source), method)
    remove_name(move.target, move.source)


def remove_name(old: str, new: str) -> None:
    """Remove ``old`` where it and ``new`` are two names of one file; not where the disk spells one name in two ways."""
    here, there = file_at(absolute(old)), file_at(absolute(new))
    two_names = here is not None and (here.st_nlink > 1 or path_key(old) != path_key(new))
    if two_names and there and _is_one_file(old, new):
        own_folders.unlink(absolute(old))


def _is_one_file(old: str, new: str) -> bool:
    """Whether both names lead to one file. mergerfs gives each name of a file an inode number of its own: there the
    same bytes of the same age are taken for it, and whichever name goes, nothing of them is lost."""
    here, there = file_at(absolute(old)), file_at(absolute(new))
    if here is None or there is None:
        return False
    if os.path.samestat(here, there):
        return True
    alike = (here.st_dev, here.st_size, here.st_mtime_ns) == (there.st_dev, there.st_size, there.st_mtime_ns)
    return alike and filecmp.cmp(absolute(old), absolute(new), shallow=False)
