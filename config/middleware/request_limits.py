"""How large a request may be. Asked before anything of a body is read, by the web server and by the first middleware.

A multipart body is written to disk while it is parsed, and Django's CSRF check parses it: of anybody, at any address.
"""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase]

MAX_BODY = 1_000_000  # bytes; what people type is far smaller
MAX_UPLOAD = 51_000_000  # bytes, at `UPLOADS` and of who may operate: the largest export, and the form around it
UPLOADS = ("/import", "/api/v1/import")


def refusal(path: str, length: int, chunked: bool, may_upload: Callable[[], bool]) -> tuple[int, str] | None:
    """Status and sentence for a request whose body is not to be read; None for one that may be.

    ``may_upload`` is asked only for a body that few may send.
    """
    if chunked:
        return 411, "Send the size of the request (Content-Length); requests in chunks are not taken."
    if length <= MAX_BODY:
        return None
    if path.rstrip("/") not in UPLOADS or not may_upload():
        return 413, f"The request is larger than {MAX_BODY // 1_000_000} MB. Send less."
    if length > MAX_UPLOAD:
        return 413, f"The upload is larger than {MAX_UPLOAD // 1_000_000} MB: no library export is. Take the export."
    return None


def may_upload_by(cookies: str, authorization: str = "") -> bool:
    """Whether the Cookie header is that of a person who is logged in and may upload, or a token that acts for one."""
    # Imported here: the web server imports this module before Django is set up, and permissions import models.
    from catalog.web.permissions import token_of
    from catalog.web.roles import may_operate

    try:
        if token := token_of(authorization):
            return token.may_act and may_operate(token.user)
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
        if morsel is None:
            return False
        request = HttpRequest()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(morsel.value)
        return may_operate(get_user(request))
    except (CookieError, DatabaseError):
        return False
    finally:
        if not connection.in_atomic_block:
            connection.close()


def request_limits(get_response: Handler) -> Handler:
    """Middleware, before all others that could read a body: 411 or 413 with a sentence."""

    def limited(request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        length = meta.get("CONTENT_LENGTH") or "0"
        refused = refusal(
            request.path,
            int(length) if length.isdecimal() else MAX_UPLOAD + 1,
            "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower(),
            lambda: may_upload_by(meta.get("HTTP_COOKIE", ""), meta.get("HTTP_AUTHORIZATION", "")),
        )
        if refused is None:
            return get_response(request)
        status, sentence = refused
        return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")

    return limited
