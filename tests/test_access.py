"""Who may reach what: every address, for a stranger, an account without rights and a superuser, by GET and POST."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django_q.models import OrmQ

from catalog.models import Track
from tests.world import World

# What a stranger may see, and why.
OPEN = {
    "healthz": "whether it runs, for a container's health check",
    "login": "the log-in itself",
    "logout": "leads to the log-in",
    "theme": "dark or light, in a cookie",
    "connect_callback": "Spotify sends the browser there; what it brings must be what this browser was given",
    "first_admin": "by a token of 32 bytes that works once; any other is told that it is gone",
}
# What an account without rights may look at: the pages that STATUS_PUBLIC can open to everybody, without their buttons.
READABLE = {
    "activity",
    "album",
    "albums",
    "artist",
    "artists",
    "collection",
    "cover",
    "failures",
    "metrics",
    "queue",
    "status",
    "status_json",
    "track",
    "tracks",
}
ARGUMENTS = {
    "pk": "1",
    "candidate": "1",
    "name": "audio",
    "job": "sync",
    "deed": "retry",
    "action": "take",
    "kind": "apply",
    "token": "x" * 43,
}
METHODS = ("get", "post")


def addresses() -> Iterator[tuple[str, dict[str, str]]]:
    """Name and arguments of every pattern of ours; Django's admin and the API check for themselves and have tests."""
    for pattern in _patterns(get_resolver().url_patterns):
        if pattern.name:
            yield pattern.name, {name: ARGUMENTS[name] for name in pattern.pattern.regex.groupindex}


def _patterns(entries: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for entry in entries:
        if isinstance(entry, URLPattern):
            yield entry
        elif not entry.namespace:
            yield from _patterns(entry.url_patterns)


ADDRESSES = dict(addresses())


@pytest.fixture
def stranger() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def powerless(stranger: Client) -> Client:
    """Logged in, with no right of any kind."""
    stranger.force_login(User.objects.create_user("guest"))
    return stranger


@pytest.fixture
def staff(stranger: Client) -> Client:
    """May use the admin, and has no right of any kind."""
    stranger.force_login(User.objects.create_user("clerk", is_staff=True))
    return stranger


@pytest.fixture
def superuser(stranger: Client) -> Client:
    stranger.force_login(User.objects.create_superuser("owner"))
    return stranger


def test_every_address_is_looked_at() -> None:
    assert len(ADDRESSES) > 40


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", sorted(ADDRESSES.keys() - OPEN.keys()))
def test_a_stranger_gets_nothing(world: World, stranger: Client, name: str, method: str) -> None:
    refused(stranger, name, method)


@pytest.mark.parametrize("name", sorted(READABLE))
def test_an_account_without_rights_may_look_and_nothing_more(world: World, powerless: Client, name: str) -> None:
    before = states()
    address = reverse(name, kwargs=ADDRESSES[name])
    assert powerless.get(address).status_code in {200, 404}
    assert '<form method="post" action="/sync' not in powerless.get("/").content.decode()
    assert states() == before


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", sorted(ADDRESSES.keys() - OPEN.keys() - READABLE))
def test_an_account_without_rights_gets_nothing(world: World, powerless: Client, name: str, method: str) -> None:
    refused(powerless, name, method)


@pytest.mark.parametrize("name", sorted(ADDRESSES.keys() - OPEN.keys() - READABLE))
def test_staff_without_rights_gets_nothing_more(world: World, staff: Client, name: str) -> None:
    refused(staff, name, "post")


def test_the_permission_opens_buttons_to_who_is_no_superuser(world: World, powerless: Client) -> None:
    user = User.objects.get(username="guest")
    user.user_permissions.add(Permission.objects.get(codename="operate_library"))
    assert powerless.post("/sync/now").headers["Location"] == "/"
    assert powerless.get("/settings").status_code == 200


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_a_superuser_is_turned_away_nowhere(world: World, superuser: Client, name: str, method: str) -> None:
    answer = getattr(superuser, method)(reverse(name, kwargs=ADDRESSES[name]))
    assert answer.status_code != 500  # 503: a song's sound that no server has
    assert answer.status_code != 403
    assert "login" not in answer.headers.get("Location", "") or name in {"login", "logout"}


@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_no_other_method_does_what_a_button_does(world: World, superuser: Client, name: str) -> None:
    before = states()
    for method in ("put", "patch", "delete", "options", "head"):
        answer = getattr(superuser, method)(reverse(name, kwargs=ADDRESSES[name]))
        assert answer.status_code != 500, method
    assert states() == before and not OrmQ.objects.exists()


@pytest.mark.parametrize("name", sorted(ADDRESSES.keys() - OPEN.keys()))
def test_no_other_method_tells_a_stranger_anything(world: World, stranger: Client, name: str) -> None:
    for method in ("put", "patch", "delete", "options", "head"):
        answer = getattr(stranger, method)(reverse(name, kwargs=ADDRESSES[name]))
        assert answer.status_code in {302, 401, 405}, method
        assert answer.status_code != 302 or "login" in answer.headers["Location"]


@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_looking_writes_nothing(world: World, superuser: Client, name: str) -> None:
    """Links are followed by browsers that fetch ahead, and by whatever looks at mails."""
    address = reverse(name, kwargs=ADDRESSES[name])
    with CaptureQueriesContext(connection) as asked:
        superuser.get(address)
    writes = ("INSERT", "UPDATE", "DELETE")
    assert [one["sql"] for one in asked if one["sql"].startswith(writes) and "django_session" not in one["sql"]] == []


def refused(client: Client, name: str, method: str) -> None:
    """Led to the log-in, or told no; the same answer whether or not there is such a row."""
    before = states()
    answer = getattr(client, method)(reverse(name, kwargs=ADDRESSES[name]))
    assert answer.status_code in {302, 401, 403, 404, 405}
    assert answer.status_code != 302 or "login" in answer.headers["Location"], answer.headers["Location"]
    assert states() == before


def states() -> list[tuple[int, str]]:
    return list(Track.objects.order_by("pk").values_list("pk", "status"))
