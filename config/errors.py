"""The pages of errors: one sentence, a way on, nothing of the inside. None of them asks the database."""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.request import split_domain_port
from django.template.loader import render_to_string
from django.utils.html import format_html

from catalog.system.command_line import command
from catalog.web.permissions import page_of_button
from config.database_errors import sentence

NO_ADMIN = "Nobody is the admin yet. Open the link that the start has printed, or print a new one: {}"
TOO_OLD = "This page was too old: you have logged in again since, or your browser sent no cookie. Nothing was changed."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400. Where the address itself is refused, the page names what to add to ALLOWED_HOSTS."""
    if not isinstance(exception, DisallowedHost):
        return _error(request, 400, "This request was not understood", "Go back and try it once more.")
    host = split_domain_port(request.META.get("HTTP_HOST", ""))[0]
    if not host:
        return _error(request, 400, "No such address", "The browser sent no address that can be read.")
    cure = format_html("Add <code>{}</code> to ALLOWED_HOSTS in the settings, then start Tonekeep again.", host)
    return _error(request, 400, "Tonekeep does not answer at this address", cure)


def not_set_up(request: HttpRequest) -> HttpResponse:
    """503 until the first admin is made."""
    answer = _error(request, 503, "Not set up yet", NO_ADMIN.format(command("setup_link")), request.path, "Try again")
    answer["Retry-After"] = "60"
    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is not this session's, with the way back to the page that it stands on."""
    return _error(request, 403, "Press the button once more", TOO_OLD, page_of_button(request), "Back to the page")


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where the database failed: then with its cure."""
    error = sys.exc_info()[1]
    title = "This page cannot be shown"
    way = page_of_button(request) if request.method == "POST" else request.path
    if isinstance(error, DatabaseError):
        return _error(request, 503, title, sentence(error), way, "Try again")
    return _error(request, 500, title, "It failed. The reason stands in the program's log.", way, "Try again")


def method_not_allowed(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a page for the 405 of an address that only a button may ask for."""

    def with_page(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        page = _error(request, 405, "This is a button's address", "Press the button on its page instead.")
        page["Allow"] = response["Allow"]
        return page

    return with_page


def _error(
    request: HttpRequest, code: int, title: str, words: str, way: str = "/", label: str = "Home"
) -> HttpResponse:
    """As JSON on `/status`, in good and in bad days, and where JSON is asked for; a page without any query else.

    The API's are problem details (RFC 9457).
    """
    if request.path.startswith("/api/"):
        return problem_details(code, title, str(words))
    if request.path.rstrip("/") == "/status" or "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"error": str(words)}, status=code)
    context = {"title": title, "words": words, "way": way, "label": label}
    return HttpResponse(render_to_string("error.html", context), status=code)


def problem_details(code: int, title: str, words: str) -> HttpResponse:
    """An error of the API, where it comes from before the API."""
    problem = {"type": "about:blank", "title": title, "status": code, "detail": words}
    return JsonResponse(problem, status=code, content_type="application/problem+json")
