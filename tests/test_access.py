"""Who may reach what: every address, asked by every kind of visitor, is as docs/access.md says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.html import Element, parse_html
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django_q.models import OrmQ

from catalog.models import Account, ApiToken, Collection, Track
from catalog.web.roles import Role, set_role
from tests.access_table import VISITORS, addresses, documented, observed, rolled_back, write
from tests.test_crawl import attribute, varied, walk
from tests.world import World

# What a stranger may see, and why.
OPEN = {
    "healthz": "whether it runs, for a container's health check",
    "login": "the log-in itself",
    "logout": "leads to the log-in",
    "admin_login": "leads to the log-in",
    "theme": "dark or light, in a cookie",
    "connect_callback": "Spotify sends the browser there; what it brings must be what this browser was given",
    "first_admin": "by a token of 32 bytes that works once; any other is told that it is gone",
    "join": "by a token of 32 bytes that works once; any other is told that it is gone",
    "admin:logout": "leads to the log-in",
    "api:api-root": "says 404",
    "api:openapi": "the description of the API holds nothing of the library",
}
# What anybody with an account may change: what is theirs alone.
OWN = {"account", "end_sessions", "new_token", "revoke_token"}
ADDRESSES = dict(addresses())
PAGES = {name: address for name, address in ADDRESSES.items() if ":" not in name}
# What a listener may look at is what STATUS_PUBLIC opens to everybody.
READABLE = {
    name: address
    for name, address in PAGES.items()
    if name not in OPEN.keys() | OWN and "GET" in documented().get(address, {}).get("listener", "")
}
CLOSED = {name: address for name, address in PAGES.items() if name not in OPEN}


@pytest.fixture
def visitor(world: World) -> Callable[[str], Client]:
    """A client of one of `tests.access_table.VISITORS`."""

    def make(kind: str) -> Client:
        client = Client(raise_request_exception=False)
        role, _, token = kind.partition("'s ")
        user = User.objects.create_superuser(f"owner {User.objects.count()}")
        if role not in ("nobody", Role.OWNER):
            user = User.objects.create_user(role)
            set_role(user, role)
        if token:
            text = ApiToken.objects.issue(user, kind, token.split()[0], world.now)
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {text}"
        elif kind != "nobody":
            client.force_login(user)
        return client

    return make


@pytest.mark.parametrize("kind", VISITORS)
def test_each_address_lets_in_whom_the_table_names(visitor: Callable[[str], Client], kind: str) -> None:
    before = states()
    found = observed(visitor(kind), ADDRESSES)
    if os.environ.get("ACCESS_TABLE") == "write":
        write(kind, found)
    assert found == {address: cells[kind] for address, cells in documented().items()}
    assert states() == before and not OrmQ.objects.exists()  # rolled back: nothing of it is left for the next


def test_the_table_opens_nothing_to_strangers_and_no_button_to_listeners() -> None:
    table = documented()
    assert len(table) > 150
    open_to_all = {address for address, cells in table.items() if cells["nobody"] != "–"}
    assert open_to_all == {ADDRESSES[name] for name in OPEN}
    listeners = {address for address, cells in table.items() if "POST" in cells["listener"]}
    assert listeners - open_to_all == {ADDRESSES[name] for name in OWN}
    for token in ("owner's read token", "listener's read token", "listener's act token"):
        assert {address for address, cells in table.items() if "POST" in cells[token]} <= open_to_all, token
    acts = {address for address, cells in table.items() if "POST" in cells["owner's act token"]}
    assert {ADDRESSES["api:pause"], ADDRESSES["api:change_song"]} <= acts
    owners = {address for address, cells in table.items() if cells["owner"] != cells["keeper"]}
    assert {ADDRESSES[name] for name in ("people", "preferences", "connect", "paths", "admin:index")} <= owners


def test_a_page_without_rights_shows_no_button(visitor: Callable[[str], Client]) -> None:
    page = visitor("listener").get("/").content.decode()
    assert 'action="/sync' not in page and 'href="/settings"' not in page and "/admin/" not in page
    settings = visitor("keeper").get("/settings").content.decode()
    assert 'href="/import"' in settings and 'href="/people"' not in settings and "/admin/" not in settings


def emptied(world: World) -> None:
    """Nothing has come yet, and nothing is connected."""
    Track.objects.all().delete()
    Collection.objects.all().delete()


def asking(world: World) -> None:
    """A Spotify account that must be connected again."""
    Account.objects.create(user_id="anna", state=Account.State.RECONNECT, reason="Its permission has ended.")


@pytest.mark.parametrize("arrange", [varied, emptied, asking])
@pytest.mark.parametrize("kind", ["strangers", "listener", "keeper", "owner"])
def test_each_link_and_form_of_a_page_is_for_who_sees_it(
    visitor: Callable[[str], Client],
    world: World,
    settings: LazySettings,
    kind: str,
    arrange: Callable[[World], None],
) -> None:
    """Among them those of the admin, which keepers do not enter. Strangers: with STATUS_PUBLIC."""
    arrange(world)
    settings.STATUS_PUBLIC = kind == "strangers"
    client, table = visitor("nobody" if settings.STATUS_PUBLIC else kind), documented()
    followed, refused = set(), set()
    for address in PAGES.values():
        page = client.get(address)
        text = page.getvalue().decode(errors="replace") if page.status_code == 200 else ""
        body = text.partition("<body>")[2].partition("</body>")[0]
        for method, target in _asks(parse_html(body), address):
            name = resolve(urlsplit(target).path).view_name
            cells = table[ADDRESSES[name]]
            allowed = f"{cells['nobody']} {cells['listener']}" if kind == "strangers" else cells[kind]
            followed.add((method, name))
            if method not in allowed.split():
                refused.add(f"{method} {target} on {address}")
    assert refused == set()
    assert len(followed) > (6 if kind == "strangers" else 12)


def _asks(body: Element, at: str) -> Iterator[tuple[str, str]]:
    """Method and address of each link and form on a page, those to other hosts aside."""
    for element, _ in walk(body):
        if not isinstance(element, Element):
            continue
        method = (attribute(element, "method") or "get").upper() if element.name == "form" else "GET"
        target = attribute(element, {"a": "href", "form": "action"}.get(element.name, "formaction"))
        if element.name == "button" and target:
            method = "POST"
        if target is not None and not urlsplit(target).netloc and not target.startswith(("#", "mailto:", "/static/")):
            yield method, urljoin(at, target).partition("#")[0]


def test_no_other_method_does_what_a_button_does(visitor: Callable[[str], Client]) -> None:
    owner, nobody = visitor("owner"), visitor("nobody")
    before = states()
    for name, address in PAGES.items():
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"):
            with rolled_back():
                assert owner.generic(method, address).status_code != 500, (method, address)
                assert states() == before and not OrmQ.objects.exists(), (method, address)
            answer = nobody.generic(method, address)
            if name in CLOSED:
                assert answer.status_code in {302, 401, 405}, (method, address)
                assert answer.status_code != 302 or "login" in answer.headers["Location"], (method, address)


def test_looking_writes_nothing(visitor: Callable[[str], Client]) -> None:
    """Links are followed by browsers that fetch ahead, and by whatever looks at mails."""
    owner = visitor("owner")
    wrote = []
    for name, address in PAGES.items():
        with CaptureQueriesContext(connection) as asked:
            owner.get(address)
        writes = [one["sql"] for one in asked if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
        wrote += [(name, sql) for sql in writes if "browsersession" not in sql]
    assert wrote == []


def states() -> list[tuple[int, str]]:
    return list(Track.objects.order_by("pk").values_list("pk", "status"))
