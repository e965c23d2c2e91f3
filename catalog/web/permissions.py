"""Who may see a page and who may press its buttons."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

View = Callable[..., HttpResponseBase]
LOG_IN_FIRST = "Log in first, or set STATUS_PUBLIC=true to open the read-only pages."


def wants_json(request: HttpRequest) -> bool:
    """Whether ``Accept`` prefers JSON to a page; a browser and ``*/*`` do not."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def may_read(request: HttpRequest) -> bool:
    """Read-only pages: anybody who is logged in, and everybody with STATUS_PUBLIC=true."""
    return settings.STATUS_PUBLIC or request.user.is_authenticated


def may_act(request: HttpRequest) -> bool:
    """Buttons: those who may use the admin."""
    return bool(request.user.is_active and getattr(request.user, "is_staff", False))


def readers_page(view: View) -> View:
    """A read-only page. Strangers are sent to the log-in page, programs get 401 and a sentence."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_read(request):
            return view(request, *args, **kwargs)
        return refusal() if wants_json(request) else redirect_to_login(request.get_full_path())

    return never_cache(require_safe(guarded))


def readers_answer(view: View) -> View:
    """A read-only answer for programs: never a log-in page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if may_read(request) else refusal()

    return never_cache(require_safe(guarded))


def staff_page(view: View) -> View:
    """A page for those who run the installation; STATUS_PUBLIC does not open it."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_act(request):
            return view(request, *args, **kwargs)
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.get_full_path())

    return never_cache(guarded)


def staff_button(view: View) -> View:
    """A change that a person asks for: POST only, with Django's CSRF token."""
    return require_POST(staff_page(view))


def back(request: HttpRequest) -> HttpResponse:
    """To the page that the button stands on."""
    at = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(at, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return redirect(at if safe else "/")


def refusal() -> HttpResponse:
    return JsonResponse({"error": LOG_IN_FIRST}, status=401)
