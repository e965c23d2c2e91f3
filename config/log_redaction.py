"""Logs without secrets and without forgeries: whatever reaches a handler, traceback and all, passes through here last.

A title or an error of somebody's server may hold line breaks and escape sequences. In a log they would write lines
that nobody wrote, or give orders to the terminal that shows it.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from catalog.text.sanitize import escaped

HIDDEN = "***"
LARGEST_FILE = 1_000_000  # bytes; the file before it is kept as well

# What looks like a secret wherever it stands: reason beside each.
PATTERNS = (
    (re.compile(r"(?i)(://[^/\s:@]*:)[^/\s@]+(?=@)"), rf"\1{HIDDEN}"),  # the password in an address
    (re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]{8,}"), rf"\1{HIDDEN}"),  # Authorization headers
    (
        re.compile(
            r"(?i)\b((?:access_token|refresh_token|client_secret|code_verifier|code)[\"']?\s*[=:]\s*[\"']?)[\w.~+/-]{8,}"
        ),
        rf"\1{HIDDEN}",
    ),  # OAuth answers and forms
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` with the given values, their URL-quoted forms and everything in `PATTERNS` replaced by ``***``."""
    for secret in secrets:
        if len(secret) >= 4:  # a shorter one would turn common words into stars and protects nothing
            text = text.replace(secret, HIDDEN).replace(quote(secret, safe=""), HIDDEN)
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFormatter(logging.Formatter):
    """A formatter whose finished line, exception text included, holds no secret and nothing that a terminal obeys.

    Only the lines of a traceback follow it, and those are set in: no text can begin a line of its own.
    """

    def __init__(self, format: str, secrets: Iterable[str] = ()) -> None:
        super().__init__(format)
        self.secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        head, *rest = super().format(record).split("\n")
        return redact("\n".join([head, *(f"  {escaped(line)}" for line in rest)]), self.secrets)

    def formatMessage(self, record: logging.LogRecord) -> str:
        return escaped(super().formatMessage(record))


class LogFile(logging.Handler):
    """Appends lines to a file that only its owner reads, several processes to one.

    A disk that is full or away never stops a program: the console has the line.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = Path(path)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n".encode(errors="replace")
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, line)
                large = os.fstat(file).st_size > LARGEST_FILE
            finally:
                os.close(file)
            if large:
                os.replace(self.path, self.path.with_suffix(".old.log"))
        except OSError:
            return
