"""System calls that fail at the N-th time: SQLite's way of proving what a full or dying disk does."""

from __future__ import annotations

import builtins
import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

# What a disk answers: full, over its quota, failing, another user's, read-only, a network folder that was lost.
DISK = {name: getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EIO", "EACCES", "EROFS", "ESTALE")}
CALLS = (
    *("open", "stat", "lstat", "fstat", "listdir", "scandir", "statvfs"),  # looking
    *("mkdir", "rmdir", "unlink", "remove", "link", "rename", "replace", "chmod", "fchmod"),  # names and modes
    *("fsync", "write"),  # content
)


DESCRIPTORS = ("dir_fd", "src_dir_fd", "dst_dir_fd")


class FailsAt:
    """Lets the N-th system call on something below ``root`` fail, once. ``failed`` is its name, "" if it never came."""

    def __init__(self, root: str, number: int, code: int, patch: pytest.MonkeyPatch) -> None:
        self.root, self.left, self.code, self.failed = root, number, code, ""
        for name in CALLS:
            patch.setattr(os, name, self._failing(name, getattr(os, name)))
        patch.setattr(builtins, "open", self._failing("open()", builtins.open))

    def _failing(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if not self.failed and self._is_below(given, named):
                self.left -= 1
                if self.left == 0:
                    self.failed = name
                    raise OSError(self.code, os.strerror(self.code), given[0])
            return real(*given, **named)

        return call

    def _is_below(self, given: tuple[Any, ...], named: dict[str, Any]) -> bool:
        descriptor = next((named[name] for name in DESCRIPTORS if named.get(name) is not None), None)
        place = descriptor if descriptor is not None else given[0] if given else "."
        try:
            path = os.readlink(f"/proc/self/fd/{place}") if isinstance(place, int) else os.fsdecode(place)
        except (OSError, TypeError):
            return False
        return path == self.root or path.startswith(self.root + "/")
