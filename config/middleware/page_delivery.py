"""How pages and static files travel: compressed, 304 while unchanged, static files by hashed addresses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSED = ("text/html", "application/json", "image/svg+xml", "text/csv")
# Masked anew for each answer, so that compression tells nothing of it; no part of what a page shows.
CSRF_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"')


class CompressPages(GZipMiddleware):
    """Django's, for pages and answers alone: audio is sent in ranges, which compression would break."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith(COMPRESSED):
            return super().process_response(request, response)  # type: ignore[arg-type, no-any-return]
        return response


Handler = Callable[[HttpRequest], HttpResponseBase]


def conditional_pages(get_response: Handler) -> Handler:
    """Middleware: an ETag for each page, and 304 to who has shown that page already."""

    def conditional(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_page = response.status_code == 200 and response.headers.get("Content-Type", "").startswith("text/html")
        if request.method != "GET" or response.streaming or not is_page:
            return response
        tag = page_etag(response.content)  # type: ignore[attr-defined]  # not a streaming one
        if request.headers.get("If-None-Match") == tag:
            unchanged = HttpResponseNotModified()
            unchanged.cookies = response.cookies
            unchanged["ETag"] = tag
            return unchanged
        response["ETag"] = tag
        return response

    return conditional


def page_etag(content: bytes) -> str:
    """Weak, because the compressed page is the same page."""
    return f'W/"{hashlib.sha256(CSRF_TOKEN.sub(b"", content)).hexdigest()[:32]}"'


class HashedUrls(StaticFilesStorage):
    """Static files under addresses that change with their content: no build step, and browsers may keep them."""

    def url(self, name: str | None) -> str:
        version = _version(name or "")
        return f"{super().url(name)}{f'?v={version}' if version else ''}"


@lru_cache(maxsize=1024)
def _version(name: str) -> str:
    path = finders.find(name)
    return hashlib.sha256(Path(str(path)).read_bytes()).hexdigest()[:10] if path else ""
