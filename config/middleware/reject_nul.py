"""Refuse NUL characters in addresses and forms: PostgreSQL takes them in no text, and no person types one."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

from config.errors import problem_details
from config.middleware.request_limits import MAX_BODY

NUL = "There is a NUL character in what was asked. Leave it out."


def no_nul(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: 400 with one sentence for an address or a form with a NUL in it, before any view reads it."""

    def checked(request: HttpRequest) -> HttpResponse:
        # A large upload is not read here: its view asks for its size first.
        is_form = request.method == "POST" and int(request.META.get("CONTENT_LENGTH") or 0) <= MAX_BODY
        forms = [request.GET] + ([request.POST] if is_form else [])
        if any("\x00" in text for form in forms for name, values in form.lists() for text in (name, *values)):
            if request.path.startswith("/api/"):
                return problem_details(400, "Bad Request", NUL)
            return HttpResponseBadRequest(NUL)
        return answer(request)

    return checked
