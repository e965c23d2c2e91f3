"""Security headers on every answer: pages, the admin, errors, static files.

The outermost middleware, because Django's own ones miss the answers that are made before them (a refused Host, for
example). What an answer has set already is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase]

# Titles, names and error texts come from strangers: nothing but our own files may run, and no page may be framed.
DIRECTIVES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",  # data: the admin's style sheet draws with it
    "media-src": "'self'",
    "connect-src": "'self'",
    "font-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
FEATURES = ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")


def policy(frames: str = "") -> str:
    """The Content-Security-Policy; ``frames`` is the one host that the page may embed.

    The form "Connect" leads on to Spotify: browsers ask ``form-action`` about that.
    """
    accounts = urlsplit(settings.SPOTIFY_ACCOUNTS_URL)
    form_action = f"'self' {accounts.scheme}://{accounts.netloc}"
    directives = {**DIRECTIVES, "form-action": form_action} | ({"frame-src": frames} if frames else {})
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def headers_of_every_answer() -> dict[str, str]:
    """What an answer carries that says nothing else itself."""
    headers = {
        "Content-Security-Policy": policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in FEATURES),
        "Cache-Control": "no-store",  # what shall be kept says so itself
    }
    if settings.HTTPS:
        # Browsers heed it only over HTTPS, where the proxy has already put every visitor.
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    return headers


def security_headers(get_response: Handler) -> Handler:
    """Middleware: the headers of this module on every answer."""
    headers = headers_of_every_answer()

    def with_headers(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if frames := getattr(response, "frames", ""):  # the view of a page that embeds a player has said so
            response.headers.setdefault("Content-Security-Policy", policy(frames))
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return with_headers
