"""Who is let in by a token, and as what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from catalog.models import ApiToken, Track
from tests.world import World

READ = ["/api/v1/status", "/api/v1/queue", "/api/v1/tracks", "/api/v1/collections", "/api/v1/events"]
ACT = ["/api/v1/pause", "/api/v1/resume", "/api/v1/sync", "/api/v1/reconcile"]


@pytest.mark.parametrize("address", READ)
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer tk_wrong", "Basic b3duZXI6eA=="])
def test_without_a_token_that_counts_there_is_no_answer(world: World, owner: User, address: str, header: str) -> None:
    answer = Client(headers={"authorization": header} if header else {}).get(address)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer["WWW-Authenticate"] == "Bearer" and "/account" in answer.json()["detail"]


@pytest.mark.parametrize("address", [*READ, *ACT])
def test_a_session_alone_opens_nothing(world: World, owner: User, address: str) -> None:
    """A page of another site could otherwise send a form with the visitor's cookies."""
    client = Client()
    client.force_login(owner)
    assert client.get(address).status_code in (401, 405) and client.post(address).status_code in (401, 405)


@pytest.mark.parametrize("address", READ)
def test_a_token_that_may_read_gets_every_answer(reader: Client, address: str) -> None:
    assert reader.get(address).status_code == 200


@pytest.mark.parametrize("address", [*ACT, "/api/v1/tracks/1/ignore"])
def test_a_token_that_may_read_changes_nothing(reader: Client, world: World, address: str) -> None:
    before = list(Track.objects.order_by("pk").values())
    answer = reader.post(address)
    assert answer.status_code == 403 and "needs scope act" in answer.json()["detail"]
    assert list(Track.objects.order_by("pk").values()) == before


def test_the_token_of_a_person_who_may_not_press_buttons_does_not_act(
    program: Callable[..., Client], world: World
) -> None:
    assert program("act", User.objects.create_user("guest")).post("/api/v1/pause").status_code == 403


def test_a_person_who_was_locked_out_is_locked_out_here_too(reader: Client, owner: User) -> None:
    User.objects.update(is_active=False)
    assert reader.get("/api/v1/status").status_code == 401


def test_only_a_digest_of_the_token_is_kept(world: World, owner: User) -> None:
    text = ApiToken.objects.issue(owner, "phone", "read", world.now)
    assert text not in str(list(ApiToken.objects.values()))


def test_the_last_use_is_written_once_a_minute(world: World, owner: User) -> None:
    text = ApiToken.objects.issue(owner, "phone", "read", world.now)

    def used_at(moment: timedelta) -> timedelta:
        assert ApiToken.objects.find(text, world.now + moment)
        used = ApiToken.objects.get().used_at
        assert used
        return used - world.now

    assert used_at(timedelta(0)) == timedelta(0)
    assert used_at(timedelta(seconds=59)) == timedelta(0)
    assert used_at(timedelta(seconds=61)) == timedelta(seconds=61)
    assert used_at(timedelta(seconds=-60)) == timedelta(seconds=-60)  # the clock was set back


def test_prometheus_reads_the_metrics_with_a_token(reader: Client, world: World) -> None:
    assert Client().get("/metrics").status_code == 401
    assert reader.get("/metrics").status_code == 200


def test_the_command_prints_the_token_alone_on_the_last_line(
    world: World, owner: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("api_token", "owner", name="phone", scope="read")
    text = capsys.readouterr().out.splitlines()[-1]
    assert Client(headers={"authorization": f"Bearer {text}"}).get("/api/v1/status").status_code == 200
    with pytest.raises(CommandError, match="already"):
        call_command("api_token", "owner", name="phone", scope="act")
    call_command("api_token", "owner", name="phone", revoke=True)
    assert Client(headers={"authorization": f"Bearer {text}"}).get("/api/v1/status").status_code == 401
    with pytest.raises(CommandError, match="Nobody called"):
        call_command("api_token", "nobody", name="phone")
