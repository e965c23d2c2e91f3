"""People come in by links that work once, have one role, and are shut out everywhere at once."""

from __future__ import annotations

import html
import io
import re
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from catalog.models import ApiToken, BrowserSession, PersonLink
from catalog.text.user_error import UserError
from catalog.web import person_links, roles
from catalog.web.roles import Role, role_of
from catalog.web.sessions import SEEN_EVERY, browser_name

pytestmark = pytest.mark.django_db
NEW = {"new_password1": "long enough 4 me", "new_password2": "long enough 4 me"}
CHOSEN = {"username": "bea", "password1": "long enough 4 me", "password2": "long enough 4 me"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def anna() -> User:
    return User.objects.create_superuser("anna", "", "right")


@pytest.fixture
def owner(anna: User) -> Client:
    client = Client()
    client.force_login(anna)
    return client


def link_on(page: bytes) -> str:
    found = re.search(r"/join/[\w-]+", html.unescape(page.decode()))
    assert found
    return found[0]


@pytest.mark.parametrize("role", Role.values)
def test_an_invitation_makes_one_account_with_its_role_and_is_used_up(owner: Client, role: str) -> None:
    page = owner.post("/people", {"role": role}).content
    assert b"<svg" in page and b"style=" not in page.partition(b"<svg")[2].partition(b"</svg>")[0]
    link = link_on(page)
    assert link.removeprefix("/join/") not in str(list(PersonLink.objects.values()))
    guest = Client()
    assert guest.get(link).status_code == 200  # looking does not use it up
    assert guest.post(link, CHOSEN)["Location"] == "/"
    assert role_of(User.objects.get(username="bea")) == role
    assert guest.get("/").status_code == 200
    assert Client().post(link, {**CHOSEN, "username": "eve"}).status_code == 410
    assert not User.objects.filter(username="eve").exists()


def test_of_two_who_use_a_link_at_once_one_comes_in(anna: User) -> None:
    now = timezone.now()
    token = person_links.invite(Role.KEEPER, now)
    both = [person_links.find(token, now) for _ in range(2)]
    forms = [person_links.form(both[0], {**CHOSEN, "username": name}) for name in ("bea", "eve")]  # type: ignore[arg-type]
    assert all(form.is_valid() for form in forms)
    made = [person_links.use(link, form, now) for link, form in zip(both, forms, strict=True) if link]
    assert [bool(user) for user in made] == [True, False]


def test_an_invitation_expires_and_can_be_taken_back(owner: Client) -> None:
    now = timezone.now()
    token = person_links.invite(Role.LISTENER, now)
    assert person_links.find(token, now + PersonLink.INVITATION - timedelta(seconds=1))
    assert not person_links.find(token, now + PersonLink.INVITATION)
    owner.post(f"/people/links/{PersonLink.objects.get().pk}/take-back")
    assert Client().get(f"/join/{token}").status_code == 410


def test_a_link_for_a_new_password_ends_every_session_of_the_person(owner: Client) -> None:
    bea = User.objects.create_user("bea", "", "old")
    browser = Client()
    browser.force_login(bea)
    link = link_on(owner.post(f"/people/{bea.pk}/reset").content)
    assert browser.get("/").status_code == 200
    assert Client().post(link, NEW).status_code == 302
    assert browser.get("/").status_code == 302
    assert User.objects.get(pk=bea.pk).check_password("long enough 4 me")


def test_a_person_who_is_locked_out_is_out_at_once_and_comes_back_with_the_role(owner: Client) -> None:
    bea = User.objects.create_user("bea", "", "secret")
    roles.set_role(bea, Role.KEEPER)
    browser = Client()
    browser.force_login(bea)
    reset = link_on(owner.post(f"/people/{bea.pk}/reset").content)
    owner.post(f"/people/{bea.pk}/disable")
    assert browser.get("/").status_code == 302 and Client().get(reset).status_code == 410
    owner.post(f"/people/{bea.pk}/enable")
    browser.force_login(bea)
    assert browser.get("/todo").status_code == 200
    owner.post(f"/people/{bea.pk}/role", {"role": "listener"})
    assert browser.get("/todo").status_code == 403


def test_a_person_is_removed_with_tokens_and_sessions_once_that_is_confirmed(owner: Client) -> None:
    bea = User.objects.create_user("bea")
    Client().force_login(bea)
    ApiToken.objects.issue(bea, "phone", "read", timezone.now())
    assert b"Remove bea?" in owner.post(f"/people/{bea.pk}/remove").content and User.objects.filter(pk=bea.pk).exists()
    owner.post(f"/people/{bea.pk}/remove", {"confirmed": "yes"})
    assert not User.objects.filter(pk=bea.pk).exists() and not ApiToken.objects.exists()


@pytest.mark.parametrize("deed", ["role", "disable", "remove"])
def test_somebody_stays_the_owner(owner: Client, anna: User, deed: str) -> None:
    answer = owner.post(f"/people/{anna.pk}/{deed}", {"role": "listener", "confirmed": "yes"}, follow=True)
    assert roles.LAST_OWNER in answer.content.decode()
    assert User.objects.get().is_superuser and User.objects.get().is_active


def test_a_change_of_the_password_ends_every_other_session(anna: User) -> None:
    here, there = Client(headers={"user-agent": FIREFOX}), Client()
    for browser in (here, there):
        browser.force_login(anna)
    wanted = {"old_password": "right", **NEW}
    assert here.post("/account", {**wanted, "old_password": "wrong"}).status_code == 400
    assert there.get("/").status_code == 200
    assert here.post("/account", wanted).status_code == 302
    assert here.get("/").status_code == 200 and there.get("/").status_code == 302
    assert BrowserSession.objects.filter(user=anna).count() == 1


def test_sessions_are_listed_without_their_keys_and_ended(anna: User) -> None:
    here, there = Client(), Client()
    here.force_login(anna)
    there.post("/login", {"username": "anna", "password": "right"}, headers={"user-agent": FIREFOX})
    page = here.get("/account").content.decode()
    assert "Firefox on Linux" in page and "127.0.0.1" in page
    (other,) = BrowserSession.objects.filter(browser="Firefox on Linux")
    assert other.session_key not in page
    here.post("/account/sessions/end", {"session": other.handle})
    assert there.get("/").status_code == 302 and here.get("/").status_code == 200


def test_nobody_ends_sessions_or_tokens_of_another_person(anna: User, owner: Client) -> None:
    bea = Client()
    bea.force_login(User.objects.create_user("bea"))
    ApiToken.objects.issue(anna, "phone", "read", timezone.now())
    bea.post("/account/sessions/end", {"session": BrowserSession.objects.get(user=anna).handle})
    bea.post("/account/sessions/end")
    bea.post(f"/account/tokens/{ApiToken.objects.get().pk}/revoke")
    assert owner.get("/").status_code == 200 and ApiToken.objects.exists()


def test_when_a_browser_was_last_seen_is_written_every_five_minutes(anna: User, owner: Client) -> None:
    def seen_after(age: timedelta) -> bool:
        written = timezone.now() - age
        BrowserSession.objects.update(seen_at=written)
        owner.get("/account")
        return BrowserSession.objects.get().seen_at > written

    assert [seen_after(SEEN_EVERY / 2), seen_after(SEEN_EVERY * 2)] == [False, True]


def test_a_token_is_shown_once_and_revoked(owner: Client) -> None:
    page = owner.post("/account/tokens/new", {"name": "phone", "scope": "act"}).content.decode()
    found = re.search(r"tk_[\w-]+", page)
    assert found and found[0] not in owner.get("/account").content.decode()
    program = Client(headers={"authorization": f"Bearer {found[0]}"})
    assert program.get("/api/v1/queue").status_code == 200
    owner.post(f"/account/tokens/{ApiToken.objects.get().pk}/revoke")
    assert program.get("/api/v1/queue").status_code == 401


def test_a_listener_gets_no_token_that_acts(anna: User) -> None:
    bea = Client()
    bea.force_login(User.objects.create_user("bea"))
    bea.post("/account/tokens/new", {"name": "phone", "scope": "act"})
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(("target", "leads_to"), [("/queue", "/queue"), ("//evil.example/x", "/"), ("", "/")])
def test_the_log_in_leads_on_within_this_program_alone(anna: User, target: str, leads_to: str) -> None:
    answer = Client().post("/login", {"username": "anna", "password": "right", "next": target})
    assert answer["Location"] == leads_to


def test_the_command_makes_an_account_with_a_link_or_a_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("long enough 4 me\n"))
    call_command("add_person", "anna", role="owner", password_stdin=True)
    assert Client().post("/login", {"username": "anna", "password": "long enough 4 me"}).status_code == 302
    capsys.readouterr()
    call_command("add_person", "bea", role="keeper")
    link = link_on(capsys.readouterr().out.splitlines()[-1].encode())
    assert role_of(User.objects.get(username="bea")) == Role.KEEPER
    assert Client().post(link, NEW).status_code == 302
    with pytest.raises(CommandError, match="already exists"):
        call_command("add_person", "bea")


def test_the_update_logs_nobody_out_and_makes_staff_keepers(anna: User) -> None:
    client = Client()
    client.force_login(anna)
    row = BrowserSession.objects.get()
    Session.objects.create(session_key=row.pk, session_data=row.session_data, expire_date=row.expire_date)
    Session.objects.create(session_key="x" * 32, session_data="rubbish", expire_date=row.expire_date)
    row.delete()
    User.objects.create_user("clerk", is_staff=True)
    migration = import_module("catalog.migrations.0028_people")
    for step in (migration.move_sessions, migration.close_admin):
        step(apps, SimpleNamespace(connection=connection))
    assert client.get("/").status_code == 200 and not Session.objects.exists()
    assert list(User.objects.filter(is_staff=True)) == [anna]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/140.0 Safari/537 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Version/18 Safari/604", "Safari on iPhone"),
        ("curl/8", "Another program"),
    ],
)
def test_browsers_are_named_as_people_name_them(agent: str, name: str) -> None:
    assert browser_name(agent) == name


def test_a_role_that_came_by_a_group_is_taken_away_too(anna: User) -> None:
    from django.contrib.auth.models import Group, Permission

    group = Group.objects.create(name="household")
    group.permissions.add(Permission.objects.get(codename="operate_library"))
    bea = User.objects.create_user("bea")
    bea.groups.add(group)
    assert role_of(bea) == Role.KEEPER
    roles.set_role(bea, Role.LISTENER)
    assert not roles.may_operate(User.objects.get(pk=bea.pk))
    with pytest.raises(UserError):
        roles.remove(anna)
