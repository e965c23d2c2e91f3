"""No NUL in a question: PostgreSQL refuses it in any text, and no person types one."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

LARGEST_FORM = 1_000_000  # bytes; what people type is far smaller


def no_nul(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: 400 with one sentence for an address or a form with a NUL in it, before any view reads it."""

    def checked(request: HttpRequest) -> HttpResponse:
        # A large upload is not read here: its view asks for its size first.
        is_form = request.method == "POST" and int(request.META.get("CONTENT_LENGTH") or 0) <= LARGEST_FORM
        asked = [request.GET] + ([request.POST] if is_form else [])
        if any("\x00" in text for form in asked for name, values in form.lists() for text in (name, *values)):
            return HttpResponseBadRequest("There is a NUL character in what was asked. Leave it out.")
        return answer(request)

    return checked
