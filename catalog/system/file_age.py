"""How old a change must be before the stamp of a file or folder can be trusted. Pure."""

from __future__ import annotations

YOUNG_NS = 2_000_000_000  # the coarsest clock of the usual filesystems ticks once a second (ext4 with small inodes)
