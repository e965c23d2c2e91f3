"""Relocate: the music folder has moved. Rows hold paths below the root, so that none of them changes, and no file does.

The new place is MUSIC_DIR's; what is left to do is to see that the folder there is this catalog's library.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from catalog.models import Library, Track
from catalog.storage import state as storage
from catalog.storage.marker import MARKER
from catalog.storage.probe import probe_root
from catalog.text.user_error import UserError


class CannotRelocate(UserError):
    """Nothing was changed: one sentence that says why and what to do next."""


@dataclass(frozen=True, slots=True)
class RelocateReport:
    """``rows`` have a place below ``new_root``; ``state`` is the folder's now."""

    new_root: str
    rows: int
    state: str

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)


def relocate(new_root: str, now: datetime) -> RelocateReport:
    """Look at the library at ``new_root``, where this host's paths begin from now on.

    Raises CannotRelocate where MUSIC_DIR is another folder, or the folder there is not this library.
    """
    root = os.path.abspath(os.path.expanduser(new_root))
    _require_library(root)
    return RelocateReport(root, Track.objects.exclude(local_path="").count(), storage.check(now).state)


def _require_library(root: str) -> None:
    library = Library.load()
    if not library.root_uuid:
        raise CannotRelocate(
            "The catalog has no music folder yet: set MUSIC_DIR, then press Rescan folder on the start page."
        )
    if root != settings.MUSIC_DIR:
        raise CannotRelocate(f"MUSIC_DIR is {settings.MUSIC_DIR}; set it to {root} first, then run this again.")
    probe = probe_root(root)
    if probe.problem:
        raise CannotRelocate(probe.problem)
    if probe.marker != library.root_uuid:
        whose = "is another catalog's library" if probe.marker else f"has no {MARKER} file"
        raise CannotRelocate(f"The folder {root} {whose}, so the library has not moved there. Nothing was changed.")
