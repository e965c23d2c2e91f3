"""What a fetching process is asked and what it answers: one JSON object a line. Pure; both sides import it.

The request is one line on stdin. The answers are lines on stdout: ``{"progress": share, "bytes": n}`` any number of
times, then one ``{"ok": true, …}`` or ``{"ok": false, "kind", "message", "retry_after"}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from downloads.fetch.url_allowlist import SiteAccess, proxy_server, server

COOKIES = "cookies.txt"  # inside the home
HOME = ".home"  # the child's home inside the stage: what its tools cache goes when the stage goes
MAX_BYTES = 2**30  # an hour of 24-bit sound; nobody's song is larger
AS_DELIVERED = "best"  # the audio format that is never encoded again


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How a site is reached; everything "" or empty: straight, as a guest, with the usual certificates.

    ``proxy``: an http or socks address, which is then the only host that is connected to. ``ca_file`` replaces the
    usual certificates. ``cookies``: a cookies.txt; the child gets a copy of it and writes to nothing else.
    ``guest_cookies``: where a guest's own are kept from one fetch to the next. ``cache_dir``: where yt-dlp keeps
    players and how they were solved. ``rate_bytes`` is per second (0: no limit).
    """

    proxy: str = ""
    ca_file: str = ""
    cookies: str = ""
    guest_cookies: str = ""
    cache_dir: str = ""
    source_address: str = ""
    po_token_provider: str = ""
    extractor_args: Mapping[str, list[str]] = field(default_factory=dict)
    rate_bytes: int = 0


DIRECT = ConnectionOptions()


def ytdlp_proxy(address: str) -> str:
    """A proxy's address with the schemes that have the proxy look up names: no name is looked up here."""
    for short, remote in (("socks5://", "socks5h://"), ("socks4://", "socks4a://")):
        if address.startswith(short):
            return remote + address.removeprefix(short)
    return address


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One recording to fetch, or (with ``query``) one search.

    ``url`` is fetched into the folder ``stage_dir`` with what ``access`` allows. ``audio_format`` is "best" or a key of
    `downloads.audio.convert.FORMATS`; ``any_quality`` leaves out the least bit rates, ``least_bit_rate`` is a person's
    own; ``length_unknown`` has the file verified before it is rewritten. ``parent`` is the process that asks.
    """

    stage_dir: str
    access: SiteAccess
    url: str = ""
    query: str = ""
    limit: int = 10
    audio_format: str = AS_DELIVERED
    any_quality: bool = False
    least_bit_rate: int = 0
    length_unknown: bool = False
    max_bytes: int = MAX_BYTES
    parent: int = 0
    connection: ConnectionOptions = DIRECT

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> FetchRequest:
        fields = json.loads(line)
        parts = {
            "access": SiteAccess.from_dict(fields["access"]),
            "connection": ConnectionOptions(**fields["connection"]),
        }
        return cls(**fields | parts)

    def allows(self, host: str, port: int) -> bool:
        """Whether ``host`` and ``port`` may be connected to: the site's, or the proxy alone where there is one."""
        connection = self.connection
        if connection.po_token_provider and server(connection.po_token_provider).allows(host, port):
            return True
        if connection.proxy:
            return proxy_server(connection.proxy).allows(host, port)
        return self.access.allows(host, port)


def failure(kind: str, message: str, retry_after: float | None = None) -> dict[str, Any]:
    """The answer of a fetch that failed; ``kind`` as in `downloads.failures.kinds.DownloadError`."""
    return {"ok": False, "kind": kind, "message": message, "retry_after": retry_after}
