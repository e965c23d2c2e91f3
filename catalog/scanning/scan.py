"""Looks at folders on the disk and says what is not as the rows say. Knows no database.

Pure, no Django: runs inside a reconcile, and as a process of its own beside it (`catalog.scanning.scan_worker`). One
`Expectation` per folder, a `ScanResult` only where there is something to tell.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from catalog.scanning.folder_stamp import Stamp, is_young, stamp_of
from catalog.scanning.ignored import is_foreign_folder, is_own

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})  # every other error means "unknown", and changes nothing

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK

UNKNOWN_ROWS = -1  # a folder's ``rows`` while it cannot be read


class FolderRow(NamedTuple):
    """A folder's row, as a quick pass needs it: the stamp's parts and the number of rows it was confirmed for."""

    folder: int
    path: str
    mtime_ns: int | None
    ctime_ns: int | None
    inode: int | None
    device: int | None
    rows: int


class Expectation(NamedTuple):
    """A folder as the rows have it: a `FolderRow`, the files that should be there, and those that might be back.

    ``names`` of downloaded tracks are "/"-joined; to a `FolderScanner` that compares sizes too, "/"-joined names and
    sizes in turn. ``lost``, names and sizes in turn, are those of missing tracks whose last known place is here.
    """

    folder: int
    path: str
    mtime_ns: int | None
    ctime_ns: int | None
    inode: int | None
    device: int | None
    rows: int
    names: str | None
    lost: str | None = None

    @property
    def stamp(self) -> Stamp | None:
        """The recorded one; None where there is none to be believed."""
        if self.mtime_ns is None:
            return None
        return self.mtime_ns, self.ctime_ns or 0, self.inode or 0, self.device or 0


AskRow = tuple[int, str, int | None, int | None, int | None, int | None, int, str | None, str | None]  # an Expectation


class ScanResult(NamedTuple):
    """What a folder holds that its rows do not say.

    ``there`` False: the folder is absent, and all of its files with it. ``problem``: it could not be read; then nothing
    else is known. ``stamp`` None: not to be believed next time. ``rows`` counts the files that are there. ``gone`` are
    names of downloaded tracks, ``back`` of missing ones whose file has the recorded size, ``unknown`` names that could
    be neither confirmed nor denied, ``other_size`` is "name/bytes on disk" of either.
    """

    folder: int
    path: str
    there: bool
    stamp: Stamp | None
    rows: int
    gone: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    other_size: tuple[str, ...] = ()
    problem: str = ""


class _Names:
    """The names of one folder, sorted out. ``plain`` is False once the folder's stamp alone will not tell all."""

    def __init__(self) -> None:
        self.gone: list[str] = []
        self.back: list[str] = []
        self.unknown: list[str] = []
        self.other_size: list[str] = []
        self.plain = True


class FolderScanner:
    """Looks below one open root. ``now_ns`` is the start of the pass; with ``sizes`` the names come with theirs.

    ``own`` are the names of folders that a person leaves alone: nothing below them is there.
    """

    def __init__(
        self,
        root_fd: int,
        trust: Callable[[int], bool],
        now_ns: int,
        sizes: bool = False,
        own: frozenset[str] = frozenset(),
    ) -> None:
        self.root_fd = root_fd
        self.trust = trust
        self.now_ns = now_ns
        self.sizes = sizes
        self.own = own

    def changed(self, folders: Iterable[FolderRow], downloaded: Mapping[int, int]) -> list[FolderRow]:
        """The folders that must be listed: one stat each. ``downloaded`` counts the rows that say so, by folder.

        A folder that cannot be looked at is among them, save where it is absent and nothing was ever in it.
        """
        stat, root_fd, own, count = os.stat, self.root_fd, self.own, downloaded.get
        changes = []
        for known in folders:
            folder, path, mtime_ns, ctime_ns, inode, device, rows = known
            if own and is_own(path, own):
                if rows or count(folder):
                    changes.append(known)
                continue
            try:
                now = stat(path or ".", dir_fd=root_fd)
            except OSError as error:
                if error.errno in ABSENT and mtime_ns is None and not rows and not count(folder):
                    continue
                changes.append(known)
                continue
            if (
                now.st_mtime_ns != mtime_ns
                or now.st_ctime_ns != ctime_ns
                or rows != count(folder, 0)
                or ((now.st_ino != inode or now.st_dev != device) and stamp_of(now)[2:] != (inode, device))
            ):
                changes.append(known)
        return changes

    def look(self, asks: Iterable[AskRow], changed: bool = False) -> list[ScanResult]:
        """List each folder once and compare names as a set. Only folders that have something to tell are told.

        ``changed``: it is known already that their stamps do not stand.
        """
        stands = self._names_stand
        return [result for ask in asks if (changed or not stands(ask)) and (result := self._look_at(Expectation(*ask)))]

    def _names_stand(self, ask: AskRow) -> bool:
        """Whether the folder's stamp is the recorded one, and all of its names are listed. Anything else: look closely.

        Names alone do, no name's type is asked for: each was a regular file's when the stamp was written down, and
        none can become a link or a folder while the stamp stands.
        """
        _, path, mtime_ns, ctime_ns, inode, device, rows, names, lost = ask
        if mtime_ns is None or not names or lost or self.sizes or is_own(path, self.own):
            return False
        expected = names.split("/")
        try:
            folder_fd = os.open(path or ".", FOLDER, dir_fd=self.root_fd)
            try:
                now = os.fstat(folder_fd)
                return (
                    now.st_mtime_ns == mtime_ns
                    and now.st_ctime_ns == ctime_ns
                    and stamp_of(now)[2:] == (inode, device)
                    and len(expected) == rows
                    and set(os.listdir(folder_fd)).issuperset(expected)
                )
            finally:
                os.close(folder_fd)
        except OSError:
            return False

    def _look_at(self, ask: Expectation) -> ScanResult | None:
        if is_foreign_folder(ask.path, self.own):  # whatever lies there was deleted, or is a copy of another time
            return self._absent(ask)
        folder_fd = -1
        try:
            folder_fd = os.open(ask.path or ".", FOLDER, dir_fd=self.root_fd)
            return self._compare(ask, folder_fd)
        except OSError as error:
            return self._not_read(ask, error)
        finally:
            if folder_fd >= 0:
                os.close(folder_fd)

    def _names_of(self, ask: Expectation) -> tuple[list[str], list[str]]:
        """The names that should be there, and their sizes where those count."""
        names = _parts(ask.names)
        return (names[::2], names[1::2]) if self.sizes else (names, [])

    def _compare(self, ask: Expectation, folder_fd: int) -> ScanResult | None:
        stamp = stamp_of(os.fstat(folder_fd))  # before the names are read: a change in between is seen next time
        names, sizes = self._names_of(ask)
        entries = _Names()
        strange = _odd_sizes(names, sizes, folder_fd, entries) if sizes else _not_listed(names, folder_fd)
        if strange:
            _confirm(strange, folder_fd, entries)
        if ask.lost:
            _find_again(ask, folder_fd, entries)
        believed = entries.plain and not entries.unknown and not is_young(stamp, self.now_ns) and self.trust(stamp[3])
        rows = len(names) - len(entries.gone) + len(entries.back)
        new_stamp = stamp if believed else None
        differs = entries.gone or entries.back or entries.unknown or entries.other_size
        if not differs and new_stamp == ask.stamp and rows == ask.rows:
            return None
        differences = (tuple(entries.gone), tuple(entries.back), tuple(entries.unknown), tuple(entries.other_size))
        return ScanResult(ask.folder, ask.path, True, new_stamp, rows, *differences)

    def _not_read(self, ask: Expectation, error: OSError) -> ScanResult | None:
        """A folder that is absent, or that could not be read: two very different things."""
        if error.errno not in ABSENT:
            return ScanResult(ask.folder, ask.path, True, None, UNKNOWN_ROWS, problem=error.strerror or "unknown error")
        return self._absent(ask)

    def _absent(self, ask: Expectation) -> ScanResult | None:
        if ask.names or ask.rows or ask.stamp:
            return ScanResult(ask.folder, ask.path, False, None, 0, tuple(self._names_of(ask)[0]))
        return None


def _parts(joined: str | None) -> list[str]:
    return joined.split("/") if joined else []


def _not_listed(names: list[str], folder_fd: int) -> list[str]:
    """The names that the folder does not list as regular files."""
    with os.scandir(folder_fd) as entries:
        files = {entry.name for entry in entries if entry.is_file(follow_symlinks=False)}
    return [] if files.issuperset(names) else [name for name in names if name not in files]


def _odd_sizes(names: list[str], sizes: list[str], folder_fd: int, entries: _Names) -> list[str]:
    """The names that are no regular files; collects the files whose size is not the recorded one.

    Those are listed, and nothing else: a person may have written other tags into them.
    """
    stat, strange = os.stat, []
    for name, recorded in zip(names, sizes, strict=True):
        try:
            status = stat(name, dir_fd=folder_fd, follow_symlinks=False)
        except OSError:
            strange.append(name)
            continue
        if status.st_mode & 0o170000 != modes.S_IFREG:
            strange.append(name)
        elif str(status.st_size) != recorded:
            entries.other_size.append(f"{name}/{status.st_size}")
    return strange


def _confirm(names: list[str], folder_fd: int, entries: _Names) -> None:
    """Sort out names that were not seen as regular files.

    A listing alone proves no absence: the disk may know the name in another case or normal form, the name may be a
    link, and a file that is just being replaced may be missed while names are read. The stat decides.
    """
    for name in names:
        try:
            is_file = modes.S_ISREG(os.stat(name, dir_fd=folder_fd).st_mode)
        except OSError as error:
            is_file = False
            if error.errno not in ABSENT:
                entries.unknown.append(name)
                continue
        if is_file:
            entries.plain = False
        else:
            entries.gone.append(name)


def _find_again(ask: Expectation, folder_fd: int, entries: _Names) -> None:
    """Look for the files of missing tracks at their last known places: regular, and of the recorded size."""
    lost = _parts(ask.lost)
    for name, recorded in zip(lost[::2], lost[1::2], strict=True):
        try:
            entry = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
            if modes.S_ISLNK(entry.st_mode):
                entry, entries.plain = os.stat(name, dir_fd=folder_fd), False
        except OSError:
            continue  # absent or unknown: the track stays missing, and the next pass asks again
        if modes.S_ISREG(entry.st_mode):
            if entry.st_size == int(recorded):
                entries.back.append(name)
            else:
                entries.other_size.append(f"{name}/{entry.st_size}")
