"""What reverse proxies have said of their visitors, against what the settings say of proxies.

The web server notes what it saw in a small file of DATA_DIR; health is told by the command too, in another process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest

from catalog.system.atomic_files import write_over
from catalog.web import client_address
from downloads.health.check import Check, check

AGAIN_AFTER = timedelta(hours=1)  # the file is not written with each request
LATELY = timedelta(days=1)
FORWARDED, BY_HTTPS, NO_SCHEME = "forwarded", "by_https", "no_scheme"

_written: dict[tuple[str, str, str], datetime] = {}


def note(request: HttpRequest, now: datetime) -> None:
    """Remember what of this request does not fit the settings. Only a machine of the own network counts as a proxy:
    what strangers write into their requests tells nothing."""
    address = client_address.peer(request)
    if address is None or not address.is_private:
        return
    peer = str(address)
    scheme = request.headers.get("X-Forwarded-Proto", "")
    seen = []
    if "X-Forwarded-For" in request.headers and not client_address.is_trusted(address):
        seen.append(FORWARDED)
    if scheme == "https" and not settings.HTTPS:
        seen.append(BY_HTTPS)
    if settings.HTTPS and not scheme and request.path.rstrip("/") != "/healthz":
        seen.append(NO_SCHEME)
    for what in seen:
        key = (str(settings.DATA_DIR), what, peer)
        if key not in _written or now - _written[key] >= AGAIN_AFTER:
            _written[key] = now
            _write(what, peer, now)


def proxy_checks(now: datetime) -> Iterator[Check]:
    """Whether the proxy in front is named, and whether HTTPS is set where visitors come by it."""
    seen = _lately(now)
    peer = seen.get(FORWARDED, "")
    warn = f"Visitors come through the proxy {peer}, which is not in TRUSTED_PROXY: they all count as one."
    said = f"Named: {', '.join(settings.TRUSTED_PROXY)}." if settings.TRUSTED_PROXY else "None was met."
    address = client_address.parsed(peer)
    unnamed = address is not None and not client_address.is_trusted(address)
    cure = f"Set TRUSTED_PROXY={peer}, then start Tonekeep again."
    yield check("proxy", "Reverse proxy", said, warn=warn if unnamed else "", cure=cure)

    said, warn, cure = "Cookies are for HTTPS alone." if settings.HTTPS else "Not used.", "", ""
    if not settings.HTTPS and BY_HTTPS in seen:
        warn = "Visitors come by HTTPS, but HTTPS is not set: their cookies would travel by plain HTTP too."
        cure = "Set HTTPS=true, then start Tonekeep again."
    elif settings.HTTPS and NO_SCHEME in seen:
        warn = f"Requests from {seen[NO_SCHEME]} do not say that they came by HTTPS, and are sent there over and over."
        cure = "Let the proxy set X-Forwarded-Proto; docs/install.md shows how."
    yield check("https", "HTTPS", said, warn=warn, cure=cure)


def _file() -> Path:
    folder: Path = settings.DATA_DIR / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "proxy_headers.json"


def _read() -> dict[str, tuple[str, float]]:
    """What was seen -> (the peer's address, when)."""
    try:
        return {str(what): (str(peer), float(at)) for what, (peer, at) in json.loads(_file().read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _lately(now: datetime) -> dict[str, str]:
    since = (now - LATELY).timestamp()
    return {what: peer for what, (peer, at) in _read().items() if at >= since}


def _write(what: str, peer: str, now: datetime) -> None:
    with suppress(OSError):  # a full disk stops no page
        write_over(str(_file()), json.dumps(_read() | {what: (peer, now.timestamp())}).encode())
