"""A proxy's word for who somebody is: of the named proxy alone, and only for people who have an account."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db
PROXY = "172.18.0.2"


@pytest.fixture(autouse=True)
def anna(settings: Any) -> User:
    settings.AUTH_PROXY_HEADER, settings.AUTH_PROXY_FROM = "Remote-User", ["172.18.0.0/30"]
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "catalog.web.proxy_user.KnownPeople"]
    return User.objects.create_superuser("anna", "", "right")


def asked(client: Client, name: str, address: str = PROXY) -> int:
    return client.get("/settings", headers={"remote-user": name} if name else {}, REMOTE_ADDR=address).status_code


def test_the_named_proxy_logs_in_who_has_an_account_and_logs_out_again() -> None:
    client = Client()
    assert asked(client, "anna") == 200
    assert asked(client, "") == 302
    assert asked(client, "stranger") == 302 and User.objects.count() == 1


@pytest.mark.parametrize("address", ["172.18.0.9", "203.0.113.9", "::1", ""])
def test_the_header_of_anybody_else_is_nothing_also_with_a_session_that_it_began(address: str) -> None:
    client = Client()
    assert asked(client, "anna", address) == 302
    assert asked(client, "anna") == 200
    assert asked(client, "anna", address) == 302


def test_a_person_who_is_locked_out_is_not_let_in(anna: User) -> None:
    User.objects.update(is_active=False)
    assert asked(Client(), "anna") == 302


def test_off_it_is_nothing(settings: Any) -> None:
    settings.AUTH_PROXY_HEADER = ""
    assert asked(Client(), "anna") == 302


def test_who_logged_in_by_password_stays_so_beside_it() -> None:
    client = Client()
    client.post("/login", {"username": "anna", "password": "right"})
    assert asked(client, "", "203.0.113.9") == 200
