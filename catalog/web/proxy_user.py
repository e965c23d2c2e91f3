"""Log-in by a proxy in front (Authelia, Authentik): it names the person in a header. Off unless both settings are made.

The header counts from the addresses of AUTH_PROXY_FROM alone, of anybody else it is dropped; it lets in people who have
an account here, and makes none. Without it a session that it began ends, so that the proxy's log-out is one here too.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.contrib.auth.backends import RemoteUserBackend
from django.contrib.auth.middleware import RemoteUserMiddleware
from django.http import HttpRequest


class KnownPeople(RemoteUserBackend):
    create_unknown_user = False


class ProxyUser(RemoteUserMiddleware):
    @property
    def header(self) -> str:  # type: ignore[override]  # a constant of Django's, a setting here
        return f"HTTP_{settings.AUTH_PROXY_HEADER.upper().replace('-', '_')}"

    def process_request(self, request: HttpRequest) -> None:
        if not settings.AUTH_PROXY_HEADER:
            return
        if not _is_named(request.META.get("REMOTE_ADDR", "")):
            request.META.pop(self.header, None)
        super().process_request(request)


def _is_named(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in ip_network(network) for network in settings.AUTH_PROXY_FROM)
