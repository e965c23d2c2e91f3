"""How a finished file gets a name that nobody has yet."""

from __future__ import annotations

import os


def take_name(draft: str, path: str) -> None:
    """Give the finished file ``draft``, of the same filesystem, the name ``path``. FileExistsError: it is taken.

    ``draft`` may still be there afterwards. Raises OSError where the disk refuses.
    """
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a filesystem without hard links: whoever makes the empty file owns the name
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(draft, path)
