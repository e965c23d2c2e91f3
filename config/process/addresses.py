"""Under which addresses other machines reach this one, and what to set where they cannot."""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress

EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104  compared, not bound
SIOCGIFADDR = 0x8915  # Linux: the IPv4 address of an interface


def own_addresses() -> list[str]:
    """The IPv4 addresses of this machine's interfaces but loopback; [] where the system does not say."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # an interface without an address
                answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                found.append(socket.inet_ntoa(answer[20:24]))
    return [address for address in dict.fromkeys(found) if not address.startswith("127.")]


def ways_in(bind: str, port: int, allowed: Iterable[str], own: list[str], path: str = "/") -> Iterator[str]:
    """Lines for the terminal: a link for each name that other machines may use, or the setting that opens one."""
    allowed = list(allowed)
    names = [name for name in allowed if name not in {"127.0.0.1", "localhost", "[::1]"} and name[:1] not in ".*"]
    if bind not in EVERYWHERE:
        if own and bind in {"127.0.0.1", "::1", "localhost"}:
            yield f"  Other machines cannot reach it; BIND=0.0.0.0 and ALLOWED_HOSTS={','.join(own)} would open it."
        return
    for name in names:
        yield f"  From another machine: http://{name}:{port}{path}"
    shut = [address for address in own if address not in allowed]
    if shut and not names:
        yield f"  Other machines are refused: set ALLOWED_HOSTS={','.join([*shut, *allowed])} to let them in."
