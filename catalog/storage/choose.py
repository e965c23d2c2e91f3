"""Another music folder, chosen on a page: whether it may be, and the file in DATA_DIR that names it for the next start.

The environment's MUSIC_DIR wins, and then there is nothing to choose. The rules of the marker hold: with files in the
catalog only the folder that bears the library's own marker may be chosen, because it has moved there; without any file
there is nothing to lose, and the folder becomes the library as the first one did (`catalog.storage.state.check`).
"""

from __future__ import annotations

import os

from django.conf import settings

from catalog.models import Library
from catalog.storage.marker import MARKER
from catalog.storage.probe import ANSWER_WITHIN, call_with_timeout, probe_root
from catalog.storage.state import holds_files
from catalog.system.atomic_files import write_over
from catalog.text.user_error import UserError

LONGEST = 1000  # characters of a path


class CannotChoose(UserError):
    """The music folder is as it was: one sentence that says why and what to do next."""


def choose(written: str) -> bool:
    """Make the folder at the absolute path ``written`` the music folder from the next start on. Makes no folder.

    True: it is the library itself, which has moved there. Raises CannotChoose.
    """
    path = _path_of(written)
    probe = call_with_timeout(ANSWER_WITHIN, lambda: probe_root(path))
    problem = probe.problem or probe.foreign
    if problem:
        raise CannotChoose(problem)
    if not probe.writable:
        raise CannotChoose(f"The folder {path} may not be written to. Check its rights.")
    library, moved = Library.load(), holds_files()
    if moved and probe.marker != library.root_uuid:
        whose = "belongs to another catalog" if probe.marker else f"has no {MARKER} file"
        raise CannotChoose(
            f"The songs that are here lie in {library.root_path}, and the folder {path} {whose}. "
            f"Move that folder as a whole, its {MARKER} file too, then name its new place."
        )
    write_over(str(settings.MUSIC_DIR_FILE), path.encode())
    return moved


def _path_of(written: str) -> str:
    if settings.MUSIC_DIR_FIXED:
        raise CannotChoose("The music folder is set by MUSIC_DIR in the environment; change it there.")
    path = os.path.normpath(written) if written.startswith("/") else ""
    if not path or len(path) > LONGEST or not path.isprintable():
        raise CannotChoose("Write the folder's whole path, like /srv/music.")
    if path == settings.MUSIC_DIR:
        raise CannotChoose(f"{path} is the music folder already.")
    data = str(settings.DATA_DIR)
    if data == path or data.startswith(path.rstrip("/") + "/"):
        raise CannotChoose(f"Tonekeep's own data lies in {path}; choose a folder of its own for the music.")
    return path
