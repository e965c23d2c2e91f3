"""Who may see a page and who may press its buttons."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from catalog.db import database_clock
from catalog.models import ApiToken
from catalog.web.roles import is_owner, may_operate

View = Callable[..., HttpResponseBase]
SESSION_ENDED = "You were logged out. Log in, then press the button once more; nothing was changed."
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
    return token_of(request.headers.get("Authorization", ""))


def token_of(authorization: str) -> ApiToken | None:
    """The same of the header's text."""
    scheme, _, text = authorization.partition(" ")
    return ApiToken.objects.find(text.strip(), database_clock.now()) if scheme.lower() == "bearer" and text else None


def may_act(request: HttpRequest) -> bool:
    """Buttons, and what only those see who press them: keepers and owners."""
    return may_operate(request.user)


def may_own(request: HttpRequest) -> bool:
    """People, settings and the admin."""
    return is_owner(request.user)


def is_logged_in(request: HttpRequest) -> bool:
    return request.user.is_authenticated


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


def keeper_page(view: View) -> View:
    """A page for keepers and owners; STATUS_PUBLIC does not open it."""
    return _page_for(may_act, view)


def keeper_button(view: View) -> View:
    """A change that a keeper asks for: POST only, with Django's CSRF token."""
    return require_POST(keeper_page(view))


def owner_page(view: View) -> View:
    """A page for owners alone."""
    return _page_for(may_own, view)


def owner_button(view: View) -> View:
    """A change that an owner asks for."""
    return require_POST(owner_page(view))


def own_page(view: View) -> View:
    """A page about oneself, for everybody with an account."""
    return _page_for(is_logged_in, view)


def own_button(view: View) -> View:
    """A change of one's own account."""
    return require_POST(own_page(view))


def _page_for(may: Callable[[HttpRequest], bool], view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may(request):
            return view(request, *args, **kwargs)
        if request.user.is_authenticated:
            raise PermissionDenied
        if request.method == "POST":  # a button's address answers no GET: the log-in leads to the button's page
            messages.warning(request, SESSION_ENDED)
            return redirect_to_login(page_of_button(request))
        return redirect_to_login(request.get_full_path())

    return never_cache(guarded)


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
