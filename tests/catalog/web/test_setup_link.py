"""The one-time link: once, for an hour, and only while nobody can log in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import SetupLink
from catalog.web import setup_link

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CHOSEN = {"username": "anna", "password1": "long enough 4 me", "password2": "long enough 4 me"}

pytestmark = pytest.mark.django_db


def form(**changes: str) -> setup_link.FirstAdminForm:
    filled = setup_link.FirstAdminForm({**CHOSEN, **changes})
    assert filled.is_valid(), filled.errors
    return filled


def offered(now: datetime = NOW) -> str:
    token = setup_link.offer(now)
    assert token
    return token


def test_the_link_makes_one_admin_and_is_used_up() -> None:
    token = offered()
    admin = setup_link.use(token, form(), NOW)
    assert admin and admin.is_superuser and admin.is_staff and admin.check_password("long enough 4 me")
    assert setup_link.use(token, form(username="eve"), NOW) is None
    assert list(User.objects.values_list("username", flat=True)) == ["anna"]


def test_the_link_is_used_up_even_if_its_admin_is_deleted() -> None:
    token = offered()
    setup_link.use(token, form(), NOW)
    User.objects.all().delete()
    assert not setup_link.is_valid(token, NOW)


def test_the_link_is_void_after_an_hour() -> None:
    token = offered()
    assert setup_link.is_valid(token, NOW + timedelta(minutes=59))
    assert not setup_link.is_valid(token, NOW + timedelta(minutes=60))
    assert setup_link.use(token, form(), NOW + timedelta(hours=1)) is None
    assert not User.objects.exists()


def test_the_link_is_void_once_an_admin_exists() -> None:
    token = offered()
    User.objects.create_superuser("cli", "", "made by createsuperuser")
    assert not setup_link.is_valid(token, NOW)
    assert setup_link.use(token, form(), NOW) is None
    assert setup_link.offer(NOW) is None
    assert not SetupLink.objects.exists()


def test_a_new_start_makes_the_older_link_void() -> None:
    older, newer = offered(), offered()
    assert not setup_link.is_valid(older, NOW)
    assert setup_link.is_valid(newer, NOW)


def test_only_the_digest_is_stored() -> None:
    token = offered()
    row = SetupLink.objects.get()
    assert token not in row.digest and len(row.digest) == 64
    assert not setup_link.is_valid(row.digest, NOW)


def test_the_page_lets_in_whoever_used_the_link(client: Client) -> None:
    token = offered(datetime.now(UTC))
    assert b"Welcome" in client.get(f"/setup/{token}").content
    answer = client.post(f"/setup/{token}", CHOSEN)
    assert answer.status_code == 302
    assert client.get("/").status_code == 200
    assert client.get("/admin/").status_code == 200
    assert Client().get(f"/setup/{token}").status_code == 410


def test_a_weak_password_is_refused_and_the_link_lives_on(client: Client) -> None:
    token = offered(datetime.now(UTC))
    answer = client.post(f"/setup/{token}", {**CHOSEN, "password1": "12345678", "password2": "12345678"})
    assert answer.status_code == 200 and b"too common" in answer.content
    assert not User.objects.exists()
    assert client.post(f"/setup/{token}", CHOSEN).status_code == 302


def test_a_guessed_link_opens_nothing(client: Client) -> None:
    offered(datetime.now(UTC))
    answer = client.post(f"/setup/{'a' * 43}", CHOSEN)
    assert answer.status_code == 410
    assert not User.objects.exists()
