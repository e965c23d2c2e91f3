"""Connections to PostgreSQL are kept between requests, and made anew where the server has ended them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import RequestFactory

from catalog.db.database_settings import database_settings
from tests.world import World


@pytest.mark.skipif(settings.SQLITE, reason="SQLite has no server")
@pytest.mark.django_db(transaction=True)
def test_a_connection_is_kept_between_requests_and_made_anew_where_the_server_ended_it(world: World) -> None:
    application = get_wsgi_application()

    def ask() -> str:
        said: list[str] = []
        answer = application(RequestFactory().get("/login").environ, lambda status, *_: said.append(status))
        list(answer)
        answer.close()
        return said[0]

    def backend() -> int:
        return int(connection.connection.info.backend_pid)

    assert ask() == "200 OK"
    first = backend()
    assert (ask(), backend()) == ("200 OK", first)
    place: dict[str, Any] = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{name: place[name] for name in names if name in place}, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    assert ask() == "200 OK" and backend() != first


def test_what_an_address_says_of_its_connection_stays() -> None:
    options = database_settings("postgres://anna@nas/music?sslmode=require&connect_timeout=3")["OPTIONS"]
    assert (options["sslmode"], options["connect_timeout"]) == ("require", 3)
    assert options["tcp_user_timeout"] == 20_000
