"""From which address a request came."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
IPV6_PREFIX = 64  # bits that one home has; the rest it may choose freely


def client_network(request: HttpRequest) -> str:
    """The visitor's IPv4 address, or the /64 of an IPv6 one; "" where it is unknown.

    X-Forwarded-For is believed of TRUSTED_PROXY alone, and of its entries the last that is no trusted proxy itself:
    those before it are the visitor's own text.
    """
    address = peer(request)
    for entry in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if address is None or not is_trusted(address):
            break
        address = parsed(entry) or address
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address or "")


def peer(request: HttpRequest) -> Address | None:
    """Who opened the connection: the visitor, or a proxy."""
    return parsed(request.META.get("REMOTE_ADDR", ""))


def parsed(text: str) -> Address | None:
    """The address in a text, an IPv4 one as such also where IPv6 wraps it; None for anything else."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_trusted(address: Address) -> bool:
    """Whether it is a proxy that the settings name."""
    return any(address in ip_network(network) for network in settings.TRUSTED_PROXY)
