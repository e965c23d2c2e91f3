"""Where a track's file is: the columns of a place, which are always written together."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import TextField, Value
from django.db.models.functions import Concat

from catalog.models import Folder, Track
from catalog.text.path_key import path_key

NO_PLACE: dict[str, Any] = {"local_path": "", "folder_id": None, "file_name": "", "name_key": "", "size": None}


class PlaceTaken(Exception):
    """Another track holds this path, or one that is the same file on some disks. Take the next name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file is: ``root`` is the absolute music folder, ``folder`` relative to it ("" is the root itself)."""

    root: str
    folder: str
    file_name: str

    @property
    def path(self) -> str:
        return "/".join(part for part in (self.root.rstrip("/"), self.folder, self.file_name) if part)

    @property
    def relative(self) -> str:
        return f"{self.folder}/{self.file_name}" if self.folder else self.file_name

    @classmethod
    def of(cls, root: str, relative: str) -> Place:
        """The place of a "/"-separated path relative to ``root``."""
        folder, _, file_name = relative.rpartition("/")
        return cls(root, folder, file_name)

    def in_known_folder(self) -> Place:
        """The same place, its folder spelt as its row has it: on many disks both spellings are one folder."""
        return Place(self.root, folder_row(self.folder).path, self.file_name)

    def columns(self) -> dict[str, Any]:
        """The columns that name a place. Makes the folder's row where it is new.

        Raises PlaceTaken as `folder_at` does.
        """
        return {
            "local_path": self.path,
            "folder": folder_at(self.root, self.folder),
            "file_name": self.file_name,
            "name_key": path_key(self.file_name),
        }


def folder_row(path: str) -> Folder:
    """The row of a folder, found by its key: ``Ecole`` and ``ecole`` are one folder on many disks."""
    return Folder.objects.get_or_create(key=path_key(path), defaults={"path": path})[0]


def folder_at(root: str, path: str) -> Folder:
    """The row of the folder that is at ``path`` below ``root``, made where it is new, spelt anew where it was renamed.

    Raises PlaceTaken where the catalog knows it under another spelling that is in use: two folders that are one on many
    disks cannot both have a row.
    """
    folder = folder_row(path)
    if folder.path == path:
        return folder
    in_use = Track.objects.filter(folder=folder).exclude(status=Track.Status.MISSING)
    if in_use.exists() or not _is_absent(os.path.join(root, folder.path)):
        raise PlaceTaken(path)
    folder.path, folder.mtime_ns = path, None
    folder.save(update_fields=["path", "mtime_ns"])
    relative = Concat(Value(f"{path}/" if path else ""), "file_name", output_field=TextField())
    Track.objects.filter(folder=folder).update(local_path=relative)
    return folder


def _is_absent(path: str) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno in (errno.ENOENT, errno.ENOTDIR)
    return False


def relative_path(path: str) -> str:
    """A path of the music folder as rows of journals and pages name it: relative to its root."""
    return os.path.relpath(path, settings.MUSIC_DIR)
