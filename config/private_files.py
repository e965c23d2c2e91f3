"""Files of DATA_DIR are their owner's alone: sessions, password hashes and sealed tokens lie there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
SECRETS = ("secret_key*", "*.sqlite3*")
FOLDERS = ("run", "locks", "uploads", "tmp", "covers", "backups")


def make_private(data_dir: Path, music_dir: Path) -> None:
    """Take everybody else's rights from what is ours in ``data_dir``, however it was made.

    The folder itself stays open where the music lies in it: other players may read that. What is somebody else's
    cannot be changed; `open_files` names it.
    """
    folder = [] if music_dir.is_relative_to(data_dir) else [data_dir]
    for path in [*folder, *_ours(data_dir)]:
        try:
            mode = path.stat(follow_symlinks=False).st_mode
            if mode & OTHERS and not stat.S_ISLNK(mode):
                os.chmod(path, stat.S_IMODE(mode) & ~OTHERS)
        except OSError:  # gone meanwhile, another owner, a disk without modes
            continue


def open_files(data_dir: Path) -> list[Path]:
    """The files with secrets that others may read or write, in a folder that others may enter."""
    try:
        if not data_dir.stat().st_mode & OTHERS:
            return []
        return [path for path in _ours(data_dir) if path.stat(follow_symlinks=False).st_mode & OTHERS]
    except OSError:
        return []


def _ours(data_dir: Path) -> list[Path]:
    files = [path for pattern in SECRETS for path in data_dir.glob(pattern)]
    return files + [data_dir / name for name in FOLDERS if (data_dir / name).is_dir()]
