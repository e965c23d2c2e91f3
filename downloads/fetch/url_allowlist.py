"""Which addresses may be fetched at all. Pure; checked in the parent and once more in the child.

Nothing but a recording on a site's own hosts, by an address of one form, and direct files on the one audio server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qs, urldefrag, urlsplit

YOUTUBE_ID = re.compile(r"[0-9A-Za-z_-]{11}\Z")
YOUTUBE_HOSTS = frozenset(
    {"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "www.youtube-nocookie.com", "youtu.be"}
)
_ID_IN_PATH = frozenset({"embed", "shorts", "v", "live"})  # youtube.com/embed/<id>
_PORTS = {"http": 80, "https": 443}
_LONGEST = 2000  # characters; longer addresses are no song's


class AddressRefused(ValueError):
    """An address that nothing is fetched from; the text says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server: ``host`` in lower case, and every port on it that may be connected to."""

    host: str
    ports: frozenset[int]

    def allows(self, host: str, port: int) -> bool:
        """Whether a connection to ``host`` and ``port`` stays on this server."""
        return host.lower().rstrip(".") == self.host and port in self.ports


def youtube_id(text: str) -> str:
    """The recording's 11-character id in a bare id or an address of YouTube's hosts; else AddressRefused."""
    text = text.strip()
    if YOUTUBE_ID.match(text):
        return text
    parts = _split(text)
    if parts.hostname not in YOUTUBE_HOSTS or parts.port not in (None, _PORTS[parts.scheme]):
        raise AddressRefused("That is no YouTube id and no address on YouTube.")
    video_id = _id_in(parts)
    if not YOUTUBE_ID.match(video_id):
        raise AddressRefused("There is no recording's id in that YouTube address.")
    return video_id


def youtube_address(text: str) -> str:
    """The one address under which the recording named by ``text`` is fetched; AddressRefused as `youtube_id`."""
    return f"https://www.youtube.com/watch?v={youtube_id(text)}"


def _id_in(parts: SplitResult) -> str:
    steps = [step for step in parts.path.split("/") if step]
    if parts.hostname == "youtu.be":
        return steps[0] if len(steps) == 1 else ""
    if steps == ["watch"]:
        return (parse_qs(parts.query).get("v") or [""])[0]
    return steps[1] if len(steps) == 2 and steps[0] in _ID_IN_PATH else ""


def server(netloc: str) -> Server:
    """The server named by ``host``, ``host:port`` or a whole http(s) address.

    Without a port both of http's and https's own are meant; with http's own, https's is too (servers send
    people there). AddressRefused where no host can be read.
    """
    parts = _split(netloc if "://" in netloc else f"any://{netloc}", schemes=("http", "https", "any"))
    port = parts.port or _PORTS.get(parts.scheme)
    both = frozenset(_PORTS.values())
    return Server(parts.hostname or "", both if port in (None, 80) else frozenset({port or 0}))


def proxy_server(address: str) -> Server:
    """The one host and port of a proxy's address; 1080 is socks's own port."""
    parts = urlsplit(address)
    return Server((parts.hostname or "").lower(), frozenset({parts.port or _PORTS.get(parts.scheme, 1080)}))


def archive_address(url: str, allowed: Server) -> str:
    """``url`` without its fragment, in which yt-dlp carries options; AddressRefused where it is not on ``allowed``."""
    parts = _split(url)
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address with a user name in it is not used.")
    if not allowed.allows(parts.hostname or "", parts.port or _PORTS[parts.scheme]):
        raise AddressRefused(f"The address leads away from {allowed.host}.")
    return urldefrag(url).url


@dataclass(frozen=True, slots=True)
class SiteAccess:
    """What fetches from one site may use. ``extractors`` are yt-dlp's, by their keys; no other is loaded.

    ``direct_host``: only direct files on this host ("host", "host:port" or an address). Else ``domains`` are the hosts,
    themselves and below, over https; ``url_pattern`` is what a recording's whole address looks like, ``formats`` gives
    yt-dlp's format for each audio format, and ``javascript`` says whether the site's player needs a runtime.
    """

    extractors: tuple[str, ...]
    direct_host: str = ""
    domains: tuple[str, ...] = ()
    url_pattern: str = ""
    formats: Mapping[str, str] = field(default_factory=dict)
    javascript: bool = False

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> SiteAccess:
        """What `dataclasses.asdict` made of one, after JSON."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        return cls(**values)

    def allows(self, host: str, port: int) -> bool:
        """Whether ``host`` and ``port`` may be connected to."""
        if self.direct_host:
            return server(self.direct_host).allows(host, port)
        name = host.lower().rstrip(".")
        return port == 443 and any(name == domain or name.endswith("." + domain) for domain in self.domains)

    def checked(self, url: str) -> str:
        """``url`` itself where it may be fetched; else AddressRefused."""
        if self.direct_host:
            return archive_address(url, server(self.direct_host))
        if not re.fullmatch(self.url_pattern, url):
            raise AddressRefused("That is no address of a recording.")
        return url


def direct_files(host: str) -> SiteAccess:
    """Access to direct files on ``host`` ("host", "host:port" or an address), and to nothing else."""
    return SiteAccess(extractors=("Generic",), direct_host=host)


def _split(url: str, schemes: tuple[str, ...] = ("http", "https")) -> SplitResult:
    if len(url) > _LONGEST or not url.isprintable() or any(sign in url for sign in " \\"):
        raise AddressRefused("That is not an address.")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in schemes and bool(parts.hostname)
        _ = parts.port  # raises where it is no number
    except ValueError:
        valid = False
    if not valid:
        raise AddressRefused("Only http and https addresses are used.")
    return parts
