"""What commands print: one line at a time, with nothing in it that a terminal would act on instead of showing it.

Titles, playlists' names and paths come from Spotify, from files and from strangers' discs. Raw, one of them could
rename the window, rewrite what was printed before it, or turn the rest of the line around.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, OutputWrapper

from catalog.text.sanitize import escaped


class PlainOutput(OutputWrapper):
    """Writes each text as one line. What Django has coloured itself (its system checks) it hands a style with."""

    def write(  # type: ignore[override]  # as Django's own, which takes more than a file's
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None:
        """As Django's, with control characters, escape sequences and changes of direction spelled out."""
        super().write(msg if style_func else escaped(msg), style_func, ending)


class PlainCommand(BaseCommand):
    """The base of every command here: names may be written to ``self.stdout`` and ``self.stderr`` as they are."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command, its output and its errors made harmless."""
        self.stdout = PlainOutput(options.pop("stdout", None) or sys.stdout)
        self.stderr = PlainOutput(options.pop("stderr", None) or sys.stderr)
        self.stderr.style_func = self.style.ERROR
        return super().execute(*args, **options)
