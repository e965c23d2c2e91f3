"""What the first start says of the music folder: disk, file system, room, rights, what lies in it.

From rows and the kernel's mount table alone: no page touches the folder itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.conf import settings

from catalog.models import Library
from catalog.reports.plan import last_look
from catalog.storage import state as storage
from catalog.storage.state import StorageState
from catalog.system import mount_table

# File system -> what it means for names; what is not named keeps names as they are written.
NAMES = {
    "exfat": 'Upper and lower case are one here, and ? : * " < > | are replaced in names.',
    "vfat": 'Upper and lower case are one here, ? : * " < > | are replaced in names, no file may have more than 4 GB.',
    "cifs": "A Windows share: upper and lower case may be one, and changes are found by looking from time to time.",
    "smb3": "A Windows share: upper and lower case may be one, and changes are found by looking from time to time.",
    "ntfs": 'Upper and lower case may be one here, and ? : * " < > | may be refused in names.',
    "ntfs3": 'Upper and lower case may be one here, and ? : * " < > | may be refused in names.',
    "fuseblk": 'Upper and lower case may be one here, and ? : * " < > | may be refused in names.',
    "nfs": "A network drive: changes are found by looking from time to time.",
    "nfs4": "A network drive: changes are found by looking from time to time.",
}
MEMORY = {"tmpfs", "ramfs"}  # what is written there is gone after a restart
OF_A_CONTAINER = {"overlay", "aufs"}


@dataclass(frozen=True, slots=True)
class MusicFolder:
    """``files`` is None before the folder was looked through. ``warning`` is "" or what is to be done first."""

    state: StorageState
    free_bytes: int | None
    filesystem: str
    mount_point: str
    about_names: str
    warning: str
    files: int | None


def music_folder() -> MusicFolder:
    """The folder at MUSIC_DIR as rows and mount table have it."""
    mount = _mount_of(os.path.abspath(settings.MUSIC_DIR), mount_table.parse(mount_table.read_lines()))
    filesystem, point = (mount.filesystem, mount.point) if mount else ("", "")
    looked = last_look()
    return MusicFolder(
        state=storage.current(),
        free_bytes=Library.current().free_bytes,
        filesystem=filesystem,
        mount_point=point,
        about_names=NAMES.get(filesystem, "Names are kept as they are written."),
        warning=_warning(filesystem),
        files=looked.report.get("files") if looked else None,
    )


def _mount_of(path: str, mounts: list[mount_table.Mount]) -> mount_table.Mount | None:
    """The mount that ``path`` lies on: the longest point above it, of two on one point the later one."""
    above = [mount for mount in mounts if path == mount.point or path.startswith(mount.point.rstrip("/") + "/")]
    return max(above, key=lambda mount: len(mount.point), default=None) if above else None


def _warning(filesystem: str) -> str:
    if filesystem in MEMORY:
        return (
            "This folder lies in memory: what is written there is gone after a restart. Set MUSIC_DIR to one on a disk."
        )
    if filesystem in OF_A_CONTAINER:
        return "This folder lies in the container, not on your disk: it is gone with it. Mount your music at this path."
    return ""
