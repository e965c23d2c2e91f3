"""`/people`: who may log in and as what, for owners; `/join/<token>`: the link that an owner gave somebody."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache

from catalog.db import database_clock
from catalog.models import PersonLink
from catalog.text.user_error import UserError
from catalog.web import person_links, roles
from catalog.web.confirm import confirmation, confirmed
from catalog.web.known_browser import remember_browser
from catalog.web.permissions import owner_button, owner_page
from catalog.web.roles import Role, role_of

BACKEND = "django.contrib.auth.backends.ModelBackend"


@owner_page
def people(request: HttpRequest) -> HttpResponse:
    """`/people`: everybody with an account, and the invitations that nobody has used yet."""
    if request.method == "POST":
        return _invite(request)
    return _page(request)


def _invite(request: HttpRequest) -> HttpResponse:
    role = request.POST.get("role", "")
    if role not in Role.values:
        messages.error(request, "Choose what the person may do.")
        return redirect("people")
    return _with_link(
        request, person_links.invite(role, database_clock.now()), f"Invitation: {Role(role).name.lower()}"
    )


@owner_button
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Void an invitation or a link for a new password."""
    PersonLink.objects.filter(pk=pk).delete()
    messages.success(request, "This link no longer works.")
    return redirect("people")


@owner_button
def change_person(request: HttpRequest, pk: int, deed: str) -> HttpResponse:
    """What an owner does to an account: role, reset, disable, enable or remove."""
    person = get_object_or_404(User, pk=pk)
    if deed == "reset":
        if not person.is_active:
            raise Http404
        token = person_links.reset(person, database_clock.now())
        return _with_link(request, token, f"New password for {person.get_username()}")
    if deed == "remove" and not confirmed(request):
        text = f"{person.get_username()} can no longer log in, and the tokens of this account end."
        return confirmation(request, f"Remove {person.get_username()}?", "Remove", text)
    try:
        messages.success(request, _done(person, deed, request.POST.get("role", "")))
    except UserError as error:
        messages.error(request, str(error))
    return redirect("people")


def _done(person: User, deed: str, role: str) -> str:
    name = person.get_username()
    if deed == "remove":
        roles.remove(person)
        return f"{name} is removed."
    if deed in ("disable", "enable"):
        roles.set_active(person, deed == "enable")
        return f"{name} may log in again." if deed == "enable" else f"{name} is locked out."
    if role not in Role.values:
        raise UserError("Choose what the person may do.")
    roles.set_role(person, role)
    return f"{name} is {'an' if role == Role.OWNER else 'a'} {role} now."


def _page(request: HttpRequest) -> HttpResponse:
    now = database_clock.now()
    rows = [{"person": person, "role": role_of(person)} for person in User.objects.order_by("username")]
    links = PersonLink.objects.filter(valid_until__gt=now).select_related("user").order_by("valid_until")
    context = {"section": "settings", "rows": rows, "links": links, "roles": Role, "now": now}
    return render(request, "people/people.html", context)


def _with_link(request: HttpRequest, token: str, title: str) -> HttpResponse:
    """The link, once: only its digest is kept. No redirect, so that it stands in no session and no address."""
    address = request.build_absolute_uri(reverse("join", args=[token]))
    link = person_links.find(token, database_clock.now())
    context = {"section": "settings", "title": title, "address": address, "link": link, "code": qr_code(address)}
    return render(request, "people/link.html", {**context, "now": database_clock.now()})


def qr_code(text: str) -> SafeString:
    """An <svg> without styles or scripts, dark on light in both schemes: cameras expect that."""
    import segno  # here: most processes never draw a code (1.4 MB)

    code = segno.make(text, micro=False)
    return mark_safe(code.svg_inline(scale=5, border=3, light="#fff", title="QR code of the link"))  # noqa: S308


@never_cache
@remember_browser
def join(request: HttpRequest, token: str) -> HttpResponse:
    """`/join/<token>`: whoever holds the link chooses name and password, or a new password."""
    now = database_clock.now()
    link = person_links.find(token, now)
    form = person_links.form(link, request.POST or None) if link else None
    if link and form and request.method == "POST" and form.is_valid():
        user = person_links.use(link, form, now)
        if user:
            login(request, user, backend=BACKEND)
            return redirect("status")
        form = None
    return render(request, "people/join.html", {"form": form, "link": link}, status=200 if form else 410)
