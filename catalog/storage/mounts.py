"""Mounts below the root of the music folder: a drive within the drive can be gone while the root is there.

An unmounted drive leaves an empty mount point on the root's own filesystem. What the catalog has below it is unknown,
not absent: no row changes, and nothing is written there. The library's row remembers which mounts there were.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from catalog.models import Folder, Library
from catalog.system import mount_table


def below(root: str) -> dict[str, int]:
    """The mounts below ``root``: path relative to it -> id of the mount."""
    start = os.path.realpath(root).rstrip("/") + "/"
    mounts = mount_table.parse(mount_table.read_lines())
    return {mount.point[len(start) :]: mount.id for mount in mounts if mount.point.startswith(start)}


def is_within(folder: str, mounts: Iterable[str]) -> bool:
    """Whether ``folder`` is one of these mounts or below one. All are relative to the root."""
    return any(folder == mount or folder.startswith(f"{mount}/") for mount in mounts)


def gone(root: str, known: Iterable[str], mounted: dict[str, int] | None = None) -> list[str]:
    """Those of the mounts ``known`` that are not there. A mount point that holds music by now is a plain folder."""
    mounted = below(root) if mounted is None else mounted
    return [mount for mount in known if mount not in mounted and _is_empty(os.path.join(root, mount))]


def _is_empty(path: str) -> bool:
    """Whether the folder holds nothing but hidden files, or is not there."""
    try:
        return all(name.startswith(".") for name in os.listdir(path))
    except OSError:
        return True


def require(root: str, folder: str) -> None:
    """Raises OSError where ``folder`` is on a drive below the root that is not mounted now.

    EBUSY, since it is no error of the whole library's disk: only what belongs there waits.
    """
    known = Library.load().mounts
    if known and is_within(folder, known) and is_within(folder, missing := gone(root, known)):
        drive = next(mount for mount in missing if is_within(folder, [mount]))
        raise OSError(errno.EBUSY, f"the drive at {drive} is not mounted", os.path.join(root, folder))


class MountWatch:
    """The mounts below the root from the start of a pass to its end."""

    def __init__(self, root: str, known: Iterable[str], accept_missing: bool = False) -> None:
        self.root, self.known = root, list(known)
        self.at_start = below(root)
        self.gone = [] if accept_missing else gone(root, self.known, self.at_start)

    def lost(self) -> list[str]:
        """Mounts of which nothing can be said now: gone at the start, or unmounted or mounted anew since."""
        now = below(self.root)
        return self.gone + [mount for mount, number in self.at_start.items() if now.get(mount) != number]

    def save(self) -> None:
        """Remember the mounts that hold files of the catalog; those that are gone stay remembered."""
        mounts = sorted({*self.gone, *(mount for mount in self.at_start if _holds_rows(mount))})
        if mounts != self.known:
            Library.objects.filter(pk=1).update(mounts=mounts)


def _holds_rows(mount: str) -> bool:
    folders = Folder.objects.filter(path=mount) | Folder.objects.filter(path__startswith=f"{mount}/")
    return folders.filter(tracks__isnull=False).exists()
