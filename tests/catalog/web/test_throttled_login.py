"""Passwords cannot be guessed, and nobody locks the owner out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.utils import timezone

from catalog.models import LoginFailure
from catalog.web.client_address import client_network
from catalog.web.known_browser import account_digest, known_browser
from catalog.web.throttled_login import MOST_FAILURES, MOST_OF_NETWORK, TOO_MANY, WITHIN

pytestmark = pytest.mark.django_db
PROXY = "172.18.0.2"


@pytest.fixture(autouse=True)
def anna() -> User:
    return User.objects.create_superuser("anna", "", "right")


def log_in(password: str, name: str = "anna", **meta: str) -> str:
    """ "in", "refused" or "wrong", from a fresh browser."""
    answer = Client().post("/login", {"username": name, "password": password, "next": "/"}, **meta)
    if answer.status_code == 302:
        return "in"
    return "refused" if TOO_MANY in answer.content.decode() else "wrong"


def test_a_network_that_guesses_is_refused_also_with_the_right_password_and_the_owner_gets_in_from_another() -> None:
    assert [log_in("wrong", REMOTE_ADDR="10.0.0.6") for _ in range(MOST_FAILURES)] == ["wrong"] * MOST_FAILURES
    assert log_in("right", REMOTE_ADDR="10.0.0.6") == "refused"
    assert log_in("right", REMOTE_ADDR="10.0.0.7") == "in"


def test_a_browser_that_logged_in_before_gets_in_while_its_whole_network_is_refused() -> None:
    owner = Client()
    asked = {"username": "anna", "password": "right", "next": "/"}
    assert owner.post("/login", asked).status_code == 302
    owner.post("/logout")
    for _ in range(MOST_FAILURES):
        log_in("wrong")
    assert log_in("right") == "refused"
    assert owner.post("/login", asked).status_code == 302


def test_a_known_browser_is_known_for_its_own_account_alone_and_has_a_limit_of_its_own(settings: Any) -> None:
    User.objects.create_user("guest", "", "secret")
    browser = Client()
    browser.post("/login", {"username": "guest", "password": "secret"})
    for _ in range(MOST_FAILURES):
        browser.post("/login", {"username": "anna", "password": "wrong"})
    assert log_in("right") == "refused", "a guest's cookie is no way around the limit"
    asked = {"username": "guest", "password": "wrong"}
    said = [browser.post("/login", asked).content.decode() for _ in range(MOST_FAILURES + 1)]
    assert [TOO_MANY in text for text in said] == [False] * MOST_FAILURES + [True]


@pytest.mark.parametrize("forged", ["", "x", "W10:1:x", "a" * 5000])
def test_a_forged_cookie_makes_no_browser_known(settings: Any, forged: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES[settings.BROWSER_COOKIE_NAME] = forged
    assert known_browser(request, account_digest("anna")) == ""


def test_of_guesses_that_come_together_no_more_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is written down before its password is looked at: as if the others had begun at the same moment."""
    begun = LoginFailure.objects.create(network="10.0.0.6", account=account_digest("anna"), at=timezone.now())
    judged = []

    def authenticate(*_: Any, **__: Any) -> None:
        judged.append(LoginFailure.objects.count())

    monkeypatch.setattr("django.contrib.auth.forms.authenticate", authenticate)
    log_in("wrong", REMOTE_ADDR="10.0.0.6")
    assert judged == [2] and LoginFailure.objects.filter(pk=begun.pk).exists()


def test_a_log_in_that_succeeds_counts_for_nothing() -> None:
    for _ in range(MOST_FAILURES + 2):
        assert log_in("right") == "in"
    assert not LoginFailure.objects.exists()


def test_the_log_says_where_all_visitors_of_a_proxy_count_as_one(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(MOST_FAILURES + 1):
        log_in("wrong", HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert "name that in TRUSTED_PROXY" in caplog.text and "203.0.113.9" not in caplog.text


def test_ten_minutes_later_it_may_try_again() -> None:
    for _ in range(MOST_FAILURES):
        log_in("wrong")
    LoginFailure.objects.update(at=timezone.now() - WITHIN - timedelta(seconds=1))
    assert log_in("right") == "in"


def test_behind_a_named_proxy_each_visitor_counts_alone(settings: Any) -> None:
    settings.TRUSTED_PROXY = ["172.18.0.0/16"]
    for _ in range(MOST_FAILURES):
        log_in("wrong", REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR="1.1.1.1, 203.0.113.9")
    assert log_in("right", REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR="203.0.113.9") == "refused"
    assert log_in("right", REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR="203.0.113.10") == "in"


def test_a_header_of_a_strangers_is_not_believed() -> None:
    for number in range(MOST_FAILURES):
        log_in("wrong", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")
    assert log_in("right", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR="10.0.0.99") == "refused"


def test_a_network_that_tries_many_names_is_refused() -> None:
    now = timezone.now()
    LoginFailure.objects.bulk_create(
        LoginFailure(network="10.0.0.6", account=str(number), at=now) for number in range(MOST_OF_NETWORK)
    )
    assert log_in("right", REMOTE_ADDR="10.0.0.6") == "refused"


def test_what_was_typed_as_a_name_is_not_kept_and_old_failures_go() -> None:
    LoginFailure.objects.create(network="10.0.0.6", account="x", at=timezone.now() - 2 * WITHIN)
    log_in("wrong", name="my password")
    assert "my password" not in LoginFailure.objects.get().account


@pytest.mark.parametrize(
    ("remote", "forwarded", "network"),
    [
        ("2001:db8::1", "", "2001:db8::/64"),
        ("::ffff:10.0.0.6", "", "10.0.0.6"),
        (PROXY, "", PROXY),
        (PROXY, "rubbish", PROXY),
        (PROXY, "8.8.8.8, 172.18.0.9", "8.8.8.8"),
        (PROXY, "9.9.9.9, 8.8.8.8", "8.8.8.8"),
        ("", "8.8.8.8", ""),
    ],
)
def test_the_network_of_a_request(settings: Any, remote: str, forwarded: str, network: str) -> None:
    settings.TRUSTED_PROXY = ["172.18.0.0/16"]
    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_network(request) == network


def test_a_person_without_staff_rights_logs_in_by_our_own_form_with_the_same_limit() -> None:
    User.objects.create_user("guest", "", "secret")
    client = Client()
    answer = client.post("/login", {"username": "guest", "password": "secret", "next": "/"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    for _ in range(MOST_FAILURES):
        Client().post("/login", {"username": "guest", "password": "wrong"})
    refused = Client().post("/login", {"username": "guest", "password": "secret"})
    assert TOO_MANY in refused.content.decode()


def test_a_new_setup_link_voids_the_one_before_and_is_refused_where_an_admin_is(
    anna: User, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="There is an admin already"):
        call_command("setup_link")
    anna.delete()
    links = []
    for _ in range(2):
        call_command("setup_link")
        links.append("/setup/" + capsys.readouterr().out.strip().partition("/setup/")[2])
    assert [Client().get(link).status_code for link in links] == [410, 200]
