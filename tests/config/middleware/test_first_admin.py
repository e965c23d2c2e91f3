"""Until an admin exists, an open address shows nothing but the way to make one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from tests.test_access import ADDRESSES
from tests.world import World


@pytest.fixture
def reachable(settings: Any, world: World) -> Client:
    settings.BIND = "0.0.0.0"
    settings.STATUS_PUBLIC = True
    return Client()


def test_an_open_address_without_an_admin_shows_nothing(reachable: Client) -> None:
    for name, address in [*ADDRESSES.items(), ("", "/nosuch"), ("", "/setup/")]:
        for answer in (reachable.get(address), reachable.post(address)):
            if name in ("healthz", "first_admin"):
                assert answer.status_code != 503
                continue
            text = answer.content.decode()
            assert answer.status_code == 503 and "manage.py setup_link" in text and "Morning" not in text, address
    assert answer.headers["Content-Security-Policy"]


def test_the_link_leads_in_from_another_machine(reachable: Client, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("setup_link")
    link = "/setup/" + capsys.readouterr().out.strip().partition("/setup/")[2]
    password = "long enough 4 me"
    made = reachable.post(link, {"username": "anna", "password1": password, "password2": password})
    assert (made.status_code, reachable.get("/").status_code) == (302, 200)
    assert Client().get("/").status_code == 200, "STATUS_PUBLIC counts from now on"


def test_an_admin_who_may_not_log_in_is_none(reachable: Client) -> None:
    User.objects.create_superuser("anna", is_active=False)
    assert reachable.get("/").status_code == 503


def test_on_this_machine_alone_nothing_is_held_back(reachable: Client, settings: Any) -> None:
    settings.BIND = "127.0.0.1"
    assert Client().get("/").status_code == 200


def test_programs_get_json(reachable: Client) -> None:
    assert "setup_link" in reachable.get("/status").json()["error"]
