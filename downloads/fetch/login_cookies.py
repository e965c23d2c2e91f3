"""What a cookies.txt of YouTube says of the login in it, without asking anybody. Read only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

LOGIN = "LOGIN_INFO"  # YouTube's own; yt-dlp asks for this one and one of the account's
ACCOUNT = frozenset({"SAPISID", "__Secure-1PAPISID", "__Secure-3PAPISID"})
LARGEST = 1_000_000  # bytes that are looked at: some people export all of their browser's
HTTP_ONLY = "#HttpOnly_"


@dataclass(frozen=True, slots=True)
class LoginCookies:
    """When the file was written; whether it holds a login, and when that ends (None: with no date)."""

    written_at: datetime
    has_login: bool
    ends_at: datetime | None = None


def login_cookies(path: str) -> LoginCookies:
    """What stands in the cookies.txt at ``path``. OSError where it cannot be read."""
    with open(path, encoding="utf-8", errors="replace") as file:
        written_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        ends = dict(_cookies_of_youtube(file.read(LARGEST)))
    account = ACCOUNT & ends.keys()
    if LOGIN not in ends or not account:
        return LoginCookies(written_at, False)
    end = min(ends[LOGIN] or float("inf"), max(ends[name] or float("inf") for name in account))
    return LoginCookies(written_at, True, datetime.fromtimestamp(end, UTC) if end < float("inf") else None)


def _cookies_of_youtube(text: str) -> Iterator[tuple[str, int]]:
    """Name and end (seconds since 1970; 0: none) of each of YouTube's cookies in the Netscape format."""
    for line in text.splitlines():
        fields = line.removeprefix(HTTP_ONLY).split("\t")
        if len(fields) == 7 and fields[0].lstrip(".").endswith("youtube.com") and fields[4].isdecimal():
            yield fields[5], min(int(fields[4]), 2**33)
