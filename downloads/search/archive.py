"""The archive source: a person's own audio server. Its answers are a stranger's text until they are checked.

``GET BASE/search?title=…&artist=…&album=…&duration_ms=…&isrc=…`` answers ``{"candidates": [{"id", "title",
"artists", "album", "duration_ms", "url"}]}``. What is unknown is left out of the question.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from django.conf import settings

from catalog.models.settings import value
from downloads.failures.classify import classify, parse_retry_after
from downloads.failures.kinds import DownloadError
from downloads.fetch.protocol import ConnectionOptions
from downloads.fetch.url_allowlist import AddressRefused, Server, SiteAccess, archive_address, direct_files, server
from downloads.matching.features import SearchResult, TrackQuery

if TYPE_CHECKING:
    import requests

LARGEST_ANSWER = 2 * 2**20  # bytes; fifty candidates take about 20,000
MOST_CANDIDATES = 50
LONGEST_TEXT = 500  # characters of a title or a name
MOST_ARTISTS = 50
LONGEST_MS = 24 * 3600 * 1000
_BLOCK = 65_536


class ArchiveSource:
    """The audio server at ``base_url`` (with or without a trailing slash; "": the one that the settings name).

    ``timeout`` in seconds holds for the connection, for each silence and for the whole answer.
    """

    needs_ytdlp = False
    rate_limit = None  # it is one's own

    def __init__(
        self, base_url: str = "", timeout: float = 15.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._given = base_url
        self._timeout = timeout
        self._clock = clock

    @property
    def _base(self) -> str:
        return (self._given or value("ARCHIVE_URL")).strip().rstrip("/") + "/"

    def access(self) -> SiteAccess:
        """Direct files on the one server, and nothing else."""
        return direct_files(self._base)

    def connection(self) -> ConnectionOptions:
        """Straight, with one's own certificates where the settings name any."""
        return ConnectionOptions(ca_file=settings.CA_FILE, rate_bytes=value("DOWNLOAD_KB_PER_SECOND") * 1000)

    def url_of(self, source_id: str, url: str) -> str:
        """``url`` itself where it is on the server; else AddressRefused."""
        if not (self._given or value("ARCHIVE_URL")):
            raise AddressRefused("It comes from an audio source that is not set up here.")
        return archive_address(url, server(self._base))

    def search(self, query: TrackQuery, words: str = "") -> list[SearchResult]:
        """What the server offers for ``query``, in its order; rows that cannot be right are left out.

        ``words`` are a person's own: then they alone are searched for, as a title. Raises DownloadError: network,
        server, rate_limit, login and so on.
        """
        try:
            allowed = server(archive_address(self._base, server(self._base)))
        except AddressRefused as error:
            raise DownloadError("server", f"The audio server's address is not usable: {error}") from error
        question = {"title": words} if words else _question(query)
        return self._candidates(self._get(question), allowed)

    def _get(self, question: dict[str, str]) -> list[Any]:
        body = self._read(question)
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise DownloadError("server", "The audio server's answer is not JSON.") from error
        rows = answer.get("candidates") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise DownloadError("server", 'The audio server\'s answer has no list "candidates".')
        return rows

    def _read(self, question: dict[str, str]) -> bytes:
        import requests  # here: pages and ticks ask this module too, and never the server (4 MB)

        end = self._clock() + self._timeout
        try:
            # No redirects: the address was given by a person, another one was not. trust_env off: no proxies
            # and no .netrc, whatever the machine has set.
            with requests.Session() as session:
                session.trust_env = False
                session.verify = settings.CA_FILE or True
                address = urljoin(self._base, "search")
                with session.get(
                    address, params=question, timeout=self._timeout, stream=True, allow_redirects=False
                ) as answer:
                    _require_ok(answer)
                    return self._body(answer, end)
        except (requests.RequestException, OSError, ValueError) as error:
            raise DownloadError("network", "The audio server does not answer.") from error

    def _body(self, answer: requests.Response, end: float) -> bytes:
        body = b""
        for block in answer.iter_content(_BLOCK):
            body += block
            if len(body) > LARGEST_ANSWER:
                raise DownloadError("server", "The audio server's answer is larger than 2 MB.")
            if self._clock() > end:  # a server that drips keeps every single read short
                raise DownloadError("network", f"The audio server took longer than {self._timeout:.0f} s.")
        return body

    def _candidates(self, rows: list[Any], allowed: Server) -> list[SearchResult]:
        results: dict[str, SearchResult] = {}
        for row in rows:
            candidate = self._candidate(row, allowed)
            if candidate is not None and len(results) < MOST_CANDIDATES:
                results.setdefault(candidate.id, candidate)
        return list(results.values())

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


def _question(query: TrackQuery) -> dict[str, str]:
    fields = {
        "title": query.title,
        "artist": query.artists[0] if query.artists else "",
        "album": query.album,
        "duration_ms": str(query.duration_ms) if query.duration_ms is not None else "",
        "isrc": query.isrc,
    }
    return {name: value for name, value in fields.items() if value}


def _require_ok(answer: requests.Response) -> None:
    status = answer.status_code
    if status == 200:
        return
    if 300 <= status < 400:
        raise DownloadError("server", "The audio server sends us elsewhere; give its final address.")
    # A missing /search is the server's fault, not a recording that was taken down.
    kind = "server" if status in (404, 410) else classify("", status)
    raise DownloadError(
        kind, f"The audio server answers {status}.", parse_retry_after(answer.headers.get("Retry-After"))
    )


def _text(value: Any) -> str:
    return value.strip()[:LONGEST_TEXT] if isinstance(value, str) else ""


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(name for name in map(_text, value[:MOST_ARTISTS]) if name)


def _duration(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value <= LONGEST_MS else None
