"""Every answer carries the security headers, and an error is a page of ours with a way on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from config.middleware.security_headers import policy
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client


ANSWERS = [
    ("/", 200),
    ("/status", 200),
    ("/api/v1/openapi.json", 200),
    ("/api/v1/docs", 200),
    ("/api/v1/status", 401),
    ("/metrics", 200),
    ("/healthz", 200),
    ("/tracks.csv", 200),
    ("/covers/0", 200),
    ("/admin/catalog/track/", 200),
    ("/admin/nothing-here/", 404),
    ("/failed/retry", 405),
    ("/connect/callback?code=x", 200),
    ("/admin/", 200),
    ("/admin/password_change/", 200),
    ("/static/tonekeep.css", 200),
    ("/nothing-here", 404),
    ("/sync/now", 405),
    ("/tracks?q=%00", 400),
]


@pytest.mark.parametrize(("address", "code"), ANSWERS)
def test_every_answer_carries_the_headers(owner: Client, address: str, code: int) -> None:
    answer = owner.get(address)
    assert answer.status_code == code
    assert answer["Content-Security-Policy"] == policy()
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]


def test_pages_that_fail_answers_without_a_body_and_ways_to_the_log_in_carry_them_too(
    owner: Client, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    unchanged = owner.get("/account", headers={"If-None-Match": owner.get("/account")["ETag"]})
    to_log_in = Client().get("/connect")
    forbidden = Client()
    forbidden.force_login(User.objects.create_user("listener"))
    monkeypatch.setattr("catalog.reports.status.snapshot", lambda *_: 1 / 0)
    owner.raise_request_exception = False
    answers = {304: unchanged, 302: to_log_in, 403: forbidden.post("/sync/now"), 500: owner.get("/")}
    for code, answer in answers.items():
        assert answer.status_code == code
        assert answer["Content-Security-Policy"] == policy() and answer["X-Content-Type-Options"] == "nosniff", code
        assert "no-store" in answer["Cache-Control"], code


def test_a_refused_host_carries_them_too_and_is_told_the_setting(client: Client) -> None:
    answer = client.get("/", headers={"Host": "nas.local:8000"})
    assert answer.status_code == 400
    assert answer["X-Frame-Options"] == "DENY" and "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "<code>nas.local</code> to ALLOWED_HOSTS" in answer.content.decode()


def test_a_refused_host_is_text_and_no_markup(client: Client) -> None:
    answer = client.get("/", headers={"Host": "<script>alert(1)</script>"})
    assert answer.status_code == 400 and b"<script>alert" not in answer.content


def test_an_old_token_leads_back_to_the_page_of_the_button(owner: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    answer = strict.post("/sync/now", headers={"Referer": "http://testserver/queue?view=cooling"})
    page = answer.content.decode()
    assert answer.status_code == 403 and "Press the button once more" in page
    assert 'href="/queue?view=cooling"' in page and answer["Content-Security-Policy"] == policy()


def test_an_old_token_leads_to_no_other_host(owner: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    page = strict.post("/sync/now", headers={"Referer": "http://evil.example/queue"}).content.decode()
    assert "evil.example" not in page and 'href="/"' in page


def test_a_button_after_the_end_of_the_session_leads_to_its_page_by_the_log_in(client: Client, world: World) -> None:
    answer = client.post("/sync/now", headers={"Referer": "http://testserver/queue"})
    assert answer.status_code == 302 and answer["Location"].endswith("?next=/queue")
    assert "press the button once more" in client.get(answer["Location"]).content.decode()


def test_private_pages_are_not_stored(owner: Client) -> None:
    for address in (
        "/",
        "/admin/",
        "/admin/password_change/",
        "/connect",
        "/account",
        "/tracks.csv",
        "/health",
        "/log",
    ):
        assert "no-store" in owner.get(address)["Cache-Control"], address


def test_a_changed_password_ends_the_other_sessions(owner: Client) -> None:
    user = User.objects.get()
    user.set_password("another")
    user.save()
    assert owner.get("/connect").status_code == 302


def test_http_leads_to_https_except_for_the_health_check(client: Client, world: World, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    fresh = Client()
    assert fresh.get("/")["Location"] == "https://testserver/"
    assert fresh.get("/healthz").status_code == 200


HARDENED = """
from django.conf import settings
from django.core.management import call_command
from config.middleware.security_headers import headers_of_every_answer
call_command("check", deploy=True, fail_level="WARNING")
print(headers_of_every_answer()["Strict-Transport-Security"])
print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY)
"""


def test_with_https_the_deployment_checks_are_silent_cookies_are_secure_and_browsers_stay(tmp_path: Path) -> None:
    # Nothing of ours: other tests of this process may have left settings in the environment.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"HTTPS": "true", "DATA_DIR": str(tmp_path / "data"), "ENV_FILE": os.devnull}
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", HARDENED]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["max-age=2592000", "True True True"]
