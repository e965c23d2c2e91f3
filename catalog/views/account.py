"""`/account`: one's own password, browsers and tokens."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from catalog.db import database_clock
from catalog.models import ApiToken, BrowserSession
from catalog.web import sessions
from catalog.web.permissions import may_act, own_button, own_page
from catalog.web.roles import role_of

MOST_TOKENS = 50  # of one person


@own_page
def account(request: HttpRequest) -> HttpResponse:
    """`/account`, and the form of the password on it."""
    user = _user(request)
    form = _password_form(user, request.POST or None) if user.has_usable_password() else None
    if form and request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)
        request.session.save()  # under its new key, which `end_others` spares
        sessions.end_others(user, request)
        messages.success(request, "The password is changed. You are logged out everywhere else.")
        return redirect("account")
    return _page(request, form=form, status=400 if form and form.errors else 200)


@own_button
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End one browser's session by its handle, or all but this one."""
    user = _user(request)
    handle = request.POST.get("session", "")
    if not handle:
        sessions.end_others(user, request)
    for row in _sessions(user):
        if row.handle == handle:
            row.delete()
    messages.success(request, "Logged out there.")
    return redirect("account")


@own_button
def new_token(request: HttpRequest) -> HttpResponse:
    """Make a token and show it, this once. Only who may press buttons gets one that may."""
    user = _user(request)
    name, scope = request.POST.get("name", "").replace("\0", "").strip()[:100], request.POST.get("scope", "read")
    tokens = ApiToken.objects.filter(user=user)
    problem = ""
    if not name:
        problem = "Say what the token is for."
    elif tokens.filter(name=name).exists():
        problem = f"You have a token called {name} already. Revoke it, or take another name."
    elif tokens.count() >= MOST_TOKENS:
        problem = f"You have {MOST_TOKENS} tokens. Revoke one first."
    elif scope not in ApiToken.Scope.values or (scope == ApiToken.Scope.ACT and not may_act(request)):
        problem = "A token of yours may only read."
    if problem:
        messages.error(request, problem)
        return redirect("account")
    return _page(request, token=ApiToken.objects.issue(user, name, scope, database_clock.now()))


@own_button
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """End a token of one's own."""
    if ApiToken.objects.filter(pk=pk, user=_user(request)).delete()[0]:
        messages.success(request, "The token no longer works.")
    return redirect("account")


def _page(
    request: HttpRequest, form: PasswordChangeForm | None = None, token: str = "", status: int = 200
) -> HttpResponse:
    user = _user(request)
    if form is None and user.has_usable_password():
        form = _password_form(user)
    context = {
        "role": role_of(user),
        "form": form,
        "sessions": _sessions(user),
        "here": request.session.session_key,
        "tokens": ApiToken.objects.filter(user=user).order_by("name"),
        "token": token,
        "may_act": may_act(request),
        "now": database_clock.now(),
    }
    return render(request, "people/account.html", context, status=status)


def _password_form(user: User, data: QueryDict | None = None) -> PasswordChangeForm:
    """Django's, but that it does not take the focus: it is one of several things on the page."""
    form = PasswordChangeForm(user, data)
    form.fields["old_password"].widget.attrs.pop("autofocus", None)
    return form


def _sessions(user: User) -> list[BrowserSession]:
    return list(BrowserSession.objects.filter(user=user, expire_date__gt=database_clock.now()).order_by("-seen_at"))


def _user(request: HttpRequest) -> User:
    return User.objects.get(username=request.user.get_username())
