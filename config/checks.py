"""Checks of the installation's own files, by `manage.py check` and at each start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from config.private_files import open_files


@register("installation")
def files_that_others_may_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Sessions and password hashes that any user of this machine may read, where we could not change that."""
    files = open_files(Path(settings.DATA_DIR))
    if not files:
        return []
    text = f"Other users of this machine may read {files[0]}: sessions, password hashes and tokens lie in DATA_DIR."
    hint = f"Let the user that runs Tonekeep own it, or run: chmod -R go-rwx {settings.DATA_DIR}"
    return [Error(text, hint=hint, id="config.E001")]
