"""The key that signs sessions and seals stored tokens: made once, on first start, readable by its owner only."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from catalog.system.atomic_files import write_new

MIN_LENGTH = 32  # characters


def load_or_make_secret_key(path: Path) -> str:
    """The key in ``path``; made with mode 0600 where there is none.

    Two processes that start together agree: the key is linked in whole, and whoever comes second reads the first's.
    """
    try:
        if not path.exists():
            with suppress(FileExistsError):
                write_new(str(path), get_random_secret_key().encode())
        key = path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"The secret key in {path} cannot be read or made: {error.strerror}.") from error
    if len(key) < MIN_LENGTH:
        raise ImproperlyConfigured(
            f"The secret key in {path} is damaged; restore it or remove the file to get a new one."
        )
    return key
