"""Who may see a page and who may press its buttons."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from catalog.db import database_clock
from catalog.models import ApiToken

View = Callable[..., HttpResponseBase]
SESSION_ENDED = "You were logged out. Log in, then press the button once more; nothing was changed."
OPERATE = "catalog.operate_library"
LOG_IN_FIRST = "Log in first, or set STATUS_PUBLIC=true to open the read-only pages."


def wants_json(request: HttpRequest) -> bool:
    """Whether ``Accept`` prefers JSON to a page; a browser and ``*/*`` do not."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def may_read(request: HttpRequest) -> bool:
    """Read-only pages: anybody who is logged in, and everybody with STATUS_PUBLIC=true."""
    return settings.STATUS_PUBLIC or is_insider(request)


def is_insider(request: HttpRequest) -> bool:
    """Whether somebody is logged in. Strangers are told only what `catalog.reports.public_status` names."""
    return request.user.is_authenticated


def bearer_token(request: HttpRequest) -> ApiToken | None:
    """The API token that the request carries in ``Authorization: Bearer``; None where it carries none that counts."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return ApiToken.objects.find(text.strip(), database_clock.now()) if scheme.lower() == "bearer" and text else None


def may_operate(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person has the permission that every button asks for; superusers have all."""
    return bool(user.is_active and user.has_perm(OPERATE))  # type: ignore[attr-defined]  # PermissionsMixin's


def may_act(request: HttpRequest) -> bool:
    """Buttons, settings, and what only those see who run the installation."""
    return may_operate(request.user)


def readers_page(view: View) -> View:
    """A read-only page. Strangers are sent to the log-in page, programs get 401 and a sentence."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_read(request):
            return view(request, *args, **kwargs)
        return refusal() if wants_json(request) else redirect_to_login(request.get_full_path())

    return never_cache(require_safe(guarded))


def readers_answer(view: View) -> View:
    """A read-only answer for programs: never a log-in page. A token of the API opens it too (Prometheus sends one)."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_read(request) or bearer_token(request):
            return view(request, *args, **kwargs)
        return refusal()

    return never_cache(require_safe(guarded))


def staff_page(view: View) -> View:
    """A page for those who have the permission `OPERATE`; STATUS_PUBLIC does not open it."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_act(request):
            return view(request, *args, **kwargs)
        if request.user.is_authenticated:
            raise PermissionDenied
        if request.method == "POST":  # a button's address answers no GET: the log-in leads to the button's page
            messages.warning(request, SESSION_ENDED)
            return redirect_to_login(page_of_button(request))
        return redirect_to_login(request.get_full_path())

    return never_cache(guarded)


def staff_button(view: View) -> View:
    """A change that a person asks for: POST only, with Django's CSRF token."""
    return require_POST(staff_page(view))


def back(request: HttpRequest) -> HttpResponse:
    """To the page that the button stands on: its form's ``next``, else the referring page."""
    address = request.POST.get("next", "")
    return redirect(address if _is_own(request, address) else page_of_button(request))


def page_of_button(request: HttpRequest) -> str:
    """Path and query of the page that a form was sent from, as the browser's Referer says; "/" where it is not ours."""
    referrer = request.headers.get("Referer", "")
    if not _is_own(request, referrer):
        return "/"
    address = urlsplit(referrer)
    return f"{address.path or '/'}{'?' if address.query else ''}{address.query}"


def _is_own(request: HttpRequest, address: str) -> bool:
    hosts = {request.get_host()}
    return url_has_allowed_host_and_scheme(address, allowed_hosts=hosts, require_https=request.is_secure())


def refusal() -> HttpResponse:
    return JsonResponse({"error": LOG_IN_FIRST}, status=401)
