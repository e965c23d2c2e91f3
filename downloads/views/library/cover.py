"""`/covers/<album>`: an album's cover from this server. No page makes a browser ask anybody else for a picture."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from catalog.web.permissions import may_read, refusal
from downloads.models import AlbumCover
from downloads.publishing.album_covers import kept_at

KEPT_FOR = 30 * 86_400  # seconds: the picture of an album does not change
ASKED_AGAIN = 600  # seconds, where there is none yet
HUES = 360


@require_safe
def cover(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The cover as JPEG of at most 300 pixels, else a quiet placeholder of the album's own colour."""
    if not may_read(request):
        return refusal()
    path = kept_at(int(pk))
    if not (AlbumCover.objects.filter(pk=pk, kept=True).exists() and path.exists()):
        return _placeholder(int(pk))
    response = FileResponse(path.open("rb"), content_type="image/jpeg")
    response["Cache-Control"] = f"private, max-age={KEPT_FOR}"
    return response


def _placeholder(pk: int) -> HttpResponse:
    picture = render_to_string("library/cover.svg", {"hue": pk * 47 % HUES})
    response = HttpResponse(picture, content_type="image/svg+xml")
    response["Cache-Control"] = f"private, max-age={ASKED_AGAIN}"
    return response
