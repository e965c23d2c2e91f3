"""Sessions in a real Redis: read from it, ended at once on every host, and not missed where it is gone."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import BrowserSession
from catalog.web import sessions
from config import settings as project
from tests.e2e.installation import eventually
from tests.ports import free_port

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed"),
]


@pytest.fixture
def redis(tmp_path: Path, settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis of the test's own, and the settings that REDIS_URL makes."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    eventually(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), "Redis listens")
    settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
    settings.CACHES = project.redis_cache(settings.REDIS_URL)
    yield server
    server.kill()
    server.wait()


@pytest.fixture
def anna(redis: object) -> Client:
    User.objects.create_superuser("anna", "", "right")
    client = Client()
    assert client.login(username="anna", password="right")
    assert is_in(client)
    return client


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def reads(client: Client) -> int:
    """How often a page asks the database for the session."""
    with CaptureQueriesContext(connection) as queries:
        assert is_in(client)
    return sum('"session_data"' in query["sql"] and '"session_key" = ' in query["sql"] for query in queries)


def test_a_page_reads_the_session_from_the_cache(anna: Client) -> None:
    assert reads(anna) == 0
    cache.clear()
    assert (reads(anna), reads(anna)) == (1, 0)


@pytest.mark.parametrize(
    "end",
    [
        lambda: BrowserSession.objects.all().delete(),
        lambda: User.objects.all().delete(),
        lambda: BrowserSession.objects.get().delete(),
    ],
)
def test_a_session_that_is_ended_by_whatever_way_ends_at_once(anna: Client, end: Any) -> None:
    end()
    assert not is_in(anna)


def test_a_logout_ends_it_in_the_cache_too(anna: Client) -> None:
    cookies = dict(anna.cookies)
    anna.post("/logout")
    late = Client()
    late.cookies.load({name: cookie.value for name, cookie in cookies.items()})
    assert not is_in(late)


def test_what_a_page_writes_into_the_session_is_read_by_the_next(anna: Client) -> None:
    session = anna.session
    session["browser"] = "changed"
    session.save()
    assert anna.session["browser"] == "changed"


def test_a_redis_that_is_gone_costs_nobody_a_page(anna: Client, redis: subprocess.Popen[bytes]) -> None:
    redis.kill()
    redis.wait()
    assert is_in(anna)
    assert Client().login(username="anna", password="right")


def test_what_is_cached_is_believed_for_minutes_only(anna: Client) -> None:
    key = sessions.PREFIX + (anna.session.session_key or "")
    client = cache._cache.get_client()  # type: ignore[attr-defined]
    assert 0 < client.ttl(cache.make_key(key)) <= sessions.BELIEVED.total_seconds()  # type: ignore[attr-defined]


def test_a_value_in_redis_is_read_as_data_and_never_run() -> None:
    with pytest.raises(ValueError):
        sessions.JsonSerializer().loads(b"cos\nsystem\n(S'true'\ntR.")
