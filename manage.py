#!/usr/bin/env python
"""Tonekeep's command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


def main(execute: Callable[[list[str]], None] | None = None) -> None:
    """Run a command; a setting that cannot be used or a database out of reach is said in one sentence.

    ``execute`` runs it in the stead of Django's `execute_from_command_line`.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here. Run `make run` (it sets up .venv), or activate your environment.")
    from django.db.utils import DatabaseError, OperationalError, ProgrammingError

    try:
        (execute or execute_from_command_line)(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Error: {error}")
    except DatabaseError as error:
        if type(error) not in (DatabaseError, OperationalError, ProgrammingError):
            raise  # what a constraint refused is an error of ours, not of the database
        from config.database_errors import sentence

        sys.exit(f"Error: {sentence(error)}")
    except OSError as error:
        from django.conf import settings

        if not str(error.filename).startswith(f"{settings.DATA_DIR}/"):
            raise  # files of the music folder and files that were named are the commands' own business
        sys.exit(
            f"Error: {error.filename}: {error.strerror}. "
            "DATA_DIR and all in it must belong to the user that runs Tonekeep, on a disk with room."
        )


if __name__ == "__main__":
    main()
