"""Which addresses may be fetched at all. Pure; asked in the parent and once more in the child.

Nothing but a recording on YouTube's own hosts, by its id, and direct files on the one audio server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, urlsplit

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
    found = _id_in(parts)
    if not YOUTUBE_ID.match(found):
        raise AddressRefused("There is no recording's id in that YouTube address.")
    return found


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


def archive_address(url: str, allowed: Server) -> str:
    """``url`` itself where it is a plain http(s) address on ``allowed``; else AddressRefused."""
    parts = _split(url)
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address with a user name in it is not fetched.")
    if not allowed.allows(parts.hostname or "", parts.port or _PORTS[parts.scheme]):
        raise AddressRefused(f"The address leads away from {allowed.host}.")
    return url


def _split(url: str, schemes: tuple[str, ...] = ("http", "https")) -> SplitResult:
    if len(url) > _LONGEST or not url.isprintable() or any(sign in url for sign in " \\"):
        raise AddressRefused("That is not an address.")
    try:
        parts = urlsplit(url)
        known = parts.scheme in schemes and bool(parts.hostname)
        _ = parts.port  # raises where it is no number
    except ValueError:
        known = False
    if not known:
        raise AddressRefused("Only http and https addresses are fetched.")
    return parts
