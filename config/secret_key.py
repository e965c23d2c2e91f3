"""The key that signs sessions and seals stored tokens: made once, on first start, readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def load_or_make_secret_key(path: Path) -> str:
    """The key in ``path``; made with mode 0600 where there is none.

    Two processes that start together agree: the key is linked in whole, and whoever comes second reads the first's.
    """
    try:
        if not path.exists():
            _link_new_key(path)
        key = path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"The secret key in {path} cannot be read or made: {error.strerror}.") from error
    if len(key) < 32:
        raise ImproperlyConfigured(
            f"The secret key in {path} is damaged; restore it or remove the file to get a new one."
        )
    return key


def _link_new_key(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(get_random_secret_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError:  # a filesystem without hard links
        os.replace(draft, path)
    draft.unlink(missing_ok=True)
