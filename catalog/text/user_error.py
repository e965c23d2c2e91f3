"""Errors that a person can mend."""

from __future__ import annotations


class UserError(Exception):
    """One sentence: what is so and what to do. A command prints it, without a traceback, and exits with a status."""

    exit_status = 1

    def __init__(self, sentence: str, exit_status: int | None = None) -> None:
        super().__init__(sentence)
        self.exit_status = exit_status or self.exit_status
