"""Ask a player's web interface: JSON of a bounded size and time, errors as one sentence without secrets."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    import requests

TIMEOUT = (5.0, 20.0)  # seconds to connect, and of silence
WHOLE = 60.0  # seconds for the whole answer
LARGEST = 8 * 2**20  # bytes
_BLOCK = 65_536


class PlayerError(Exception):
    """Why a player could not be told, in a sentence. ``code`` is its own number of the error, where it has one."""

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.code = code


def ask(method: str, address: str, headers: Mapping[str, str] | None = None, **request: Any) -> Any:
    """The JSON that ``address`` answers, None for anything else. Raises PlayerError.

    Redirects are not followed: they would carry the token along.
    """
    import requests  # here: most processes never ask a player (4 MB)

    with requests.Session() as session:
        session.trust_env = False  # no .netrc, and no proxy on the way to a neighbour
        session.verify = settings.CA_FILE or True
        asked = {"Accept": "application/json", "User-Agent": "Tonekeep", **(headers or {})}
        try:
            with session.request(
                method, address, headers=asked, timeout=TIMEOUT, allow_redirects=False, stream=True, **request
            ) as answer:
                if answer.status_code in {401, 403}:
                    raise PlayerError("It refused the password or token.", answer.status_code)
                if not 200 <= answer.status_code < 300:
                    raise PlayerError(f"It answered with status {answer.status_code}.", answer.status_code)
                return _json(answer)
        except requests.Timeout:
            raise PlayerError("It did not answer in time.") from None
        except (requests.RequestException, UnicodeError):  # its text holds the address
            raise PlayerError("It could not be reached.") from None


def _json(answer: requests.Response) -> Any:
    body, end = b"", time.monotonic() + WHOLE
    for block in answer.iter_content(_BLOCK):
        body += block
        if len(body) > LARGEST or time.monotonic() > end:
            raise PlayerError("Its answer is too long.")
    if "json" not in answer.headers.get("Content-Type", ""):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def rows(value: Any, *names: str) -> list[dict[str, Any]]:
    """The objects of a list deep in an answer; [] where it has another shape."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
