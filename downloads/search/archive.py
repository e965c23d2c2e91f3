"""The archive source: a person's own audio server. Its answers are a stranger's text until they are checked.

``GET BASE/search?title=…&artist=…&album=…&duration_ms=…&isrc=…`` answers ``{"candidates": [{"id", "title",
"artists", "album", "duration_ms", "url"}]}``. What is unknown is left out of the question.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urljoin

import requests

from downloads.failures.kinds import SourceError, classify, seconds_of
from downloads.fetch.url_allowlist import AddressRefused, Server, archive_address, server
from downloads.matching.features import SearchResult, TrackQuery

LARGEST_ANSWER = 2 * 2**20  # bytes; fifty candidates take about 20,000
MOST_CANDIDATES = 50
LONGEST_TEXT = 500  # characters of a title or a name
MOST_ARTISTS = 50
LONGEST_MS = 24 * 3600 * 1000
_BLOCK = 65_536


class ArchiveSource:
    """Searches the audio server at ``base_url`` (with or without a trailing slash).

    ``timeout`` in seconds holds for the connection, for each silence and for the whole answer.
    ``allowed_host`` is what a fetch of one of its candidates may connect to.
    """

    def __init__(self, base_url: str, timeout: float = 15.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._base = base_url.strip().rstrip("/") + "/"
        self._timeout = timeout
        self._clock = clock
        self.allowed_host = self._base

    def search(self, wish: TrackQuery, words: str = "") -> list[SearchResult]:
        """What the server offers for ``wish``, in its order; rows that cannot be right are left out.

        ``words`` are a person's own: then they alone are searched for, as a title. Raises SourceError: network,
        server, rate_limit, login and so on.
        """
        try:
            allowed = server(archive_address(self._base, server(self._base)))
        except AddressRefused as error:
            raise SourceError("server", f"The audio server's address is not usable: {error}") from error
        question = {"title": words} if words else _question(wish)
        return self._candidates(self._ask(question), allowed)

    def _ask(self, question: dict[str, str]) -> list[Any]:
        body = self._read(question)
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise SourceError("server", "The audio server's answer is not JSON.") from error
        rows = answer.get("candidates") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise SourceError("server", 'The audio server\'s answer has no list "candidates".')
        return rows

    def _read(self, question: dict[str, str]) -> bytes:
        end = self._clock() + self._timeout
        try:
            # No redirects: the address was given by a person, another one was not. trust_env off: no proxies
            # and no .netrc, whatever the machine has set.
            with requests.Session() as session:
                session.trust_env = False
                address = urljoin(self._base, "search")
                with session.get(
                    address, params=question, timeout=self._timeout, stream=True, allow_redirects=False
                ) as answer:
                    _require_ok(answer)
                    return self._body(answer, end)
        except (requests.RequestException, OSError, ValueError) as error:
            raise SourceError("network", "The audio server does not answer.") from error

    def _body(self, answer: requests.Response, end: float) -> bytes:
        body = b""
        for block in answer.iter_content(_BLOCK):
            body += block
            if len(body) > LARGEST_ANSWER:
                raise SourceError("server", "The audio server's answer is larger than 2 MB.")
            if self._clock() > end:  # a server that drips keeps every single read short
                raise SourceError("network", f"The audio server took longer than {self._timeout:.0f} s.")
        return body

    def _candidates(self, rows: list[Any], allowed: Server) -> list[SearchResult]:
        found: dict[str, SearchResult] = {}
        for row in rows:
            candidate = self._candidate(row, allowed)
            if candidate is not None and len(found) < MOST_CANDIDATES:
                found.setdefault(candidate.id, candidate)
        return list(found.values())

    def _candidate(self, row: Any, allowed: Server) -> SearchResult | None:
        """A row that has an id, a title and an address on the server; None for all others."""
        if not isinstance(row, dict):
            return None
        name, title, url = row.get("id"), _text(row.get("title")), row.get("url")
        if isinstance(name, int) and not isinstance(name, bool):
            name = str(name)
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_TEXT or not title or not isinstance(url, str):
            return None
        try:
            # A server may list "/audio/Für Elise.mp3": relative, and not yet written as an address.
            whole = urljoin(self._base, quote(url.strip(), safe="%/:=&?~#+!$,;'@()*[]"))
            address = archive_address(whole, allowed)
        except ValueError:  # AddressRefused is one; urljoin raises others
            return None
        explicit = row.get("explicit")
        return SearchResult(
            id=name,
            title=title,
            artists=_names(row.get("artists")),
            album=_text(row.get("album")),
            duration_ms=_duration(row.get("duration_ms")),
            url=address,
            kind="file",
            isrc=_text(row.get("isrc")),
            explicit=explicit if isinstance(explicit, bool) else None,
        )


def _question(wish: TrackQuery) -> dict[str, str]:
    known = {
        "title": wish.title,
        "artist": wish.artists[0] if wish.artists else "",
        "album": wish.album,
        "duration_ms": str(wish.duration_ms) if wish.duration_ms is not None else "",
        "isrc": wish.isrc,
    }
    return {name: value for name, value in known.items() if value}


def _require_ok(answer: requests.Response) -> None:
    status = answer.status_code
    if status == 200:
        return
    if 300 <= status < 400:
        raise SourceError("server", "The audio server sends us elsewhere; give its final address.")
    # A missing /search is the server's fault, not a recording that was taken down.
    kind = "server" if status in (404, 410) else classify("", status)
    raise SourceError(kind, f"The audio server answers {status}.", seconds_of(answer.headers.get("Retry-After")))


def _text(value: Any) -> str:
    return value.strip()[:LONGEST_TEXT] if isinstance(value, str) else ""


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(name for name in map(_text, value[:MOST_ARTISTS]) if name)


def _duration(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value <= LONGEST_MS else None
