"""When an unchanged folder may be believed: what its stamp is made of, and where stamps can be trusted.

Pure, no Django. A stamp is (mtime_ns, ctime_ns, inode, device) of a folder, taken *before* its names were read. A
folder whose stamp stands has had no name added, removed or replaced since. What a stamp cannot see, and what is done
about it:

* a file written in place or truncated: its folder does not change. The size pass sees it;
* a file that is a link: its target goes without a trace. A folder with such a row gets no stamp;
* two changes within one tick of the filesystem's clock: a young folder gets no stamp;
* a change while the names are being read: the stamp is older than the change, or the folder is young;
* filesystems that keep no honest folder times: see `TRUSTED`;
* a row written beside an unchanged folder: the writer zeroes the stamp, and the number of rows must agree.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from catalog.system import mount_table
from catalog.system.file_age import YOUNG_NS

Stamp = tuple[int, int, int, int]

# Filesystems whose folder times change with every name, for every user of them. All others are listed each time: NFS,
# CIFS and FUSE cache times or take them from a server with another clock, overlay changes inodes on copy-up, FAT and
# exFAT folders keep their time when another system changes them.
TRUSTED = {
    "ext2": "the kernel alone writes it",
    "ext3": "the kernel alone writes it",
    "ext4": "the kernel alone writes it",
    "xfs": "the kernel alone writes it",
    "btrfs": "the kernel alone writes it; its subvolumes have devices that the mount table does not name",
    "zfs": "the kernel alone writes it",
    "f2fs": "the kernel alone writes it",
    "jfs": "the kernel alone writes it",
    "bcachefs": "the kernel alone writes it",
    "tmpfs": "in memory",
}


def stamp_of(stat: os.stat_result) -> Stamp:
    """The stamp in a folder's stat. Inodes and devices above 2**63 are folded into the signed range of a column."""
    return stat.st_mtime_ns, stat.st_ctime_ns, _signed(stat.st_ino), _signed(stat.st_dev)


def _signed(number: int) -> int:
    return number if number < 1 << 63 else number - (1 << 64)


def is_young(stamp: Stamp, now_ns: int) -> bool:
    """Changed less than two seconds before ``now_ns``, or after it: the next change might leave the same times.

    ``now_ns`` is the start of the pass, so that whatever changes during the pass is young. The change time alone
    counts: nobody can set it back.
    """
    return stamp[1] > now_ns - YOUNG_NS


class FilesystemTrust:
    """Says of a device whether its folders' stamps can be believed. Reads the mount table once."""

    def __init__(self, root: str, mounts: Iterable[str] | None = None) -> None:
        table = mount_table.parse(mount_table.read_lines() if mounts is None else mounts)
        self._devices = {mount.device: mount.filesystem in TRUSTED for mount in table}
        path = os.path.realpath(root)
        around = [(len(mount.point), mount.filesystem) for mount in table if _is_within(path, mount.point)]
        self._unnamed = bool(around) and max(around)[1] == "btrfs"

    def __call__(self, device: int) -> bool:
        """Whether to believe ``device`` (as in ``st_dev``). One that the mount table does not name: only on btrfs."""
        return self._devices.get(device, self._unnamed)


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
