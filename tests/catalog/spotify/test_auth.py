"""Tokens: refreshed once and by one process, sealed, never shown; and what each refusal means."""

# mypy: disable-error-code="union-attr,operator"
from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from catalog.models import Account
from catalog.spotify.app import app
from catalog.spotify.auth import RowToken, consent_address, token_for_code
from catalog.spotify.client import Api, read_library
from catalog.spotify.errors import LONGEST, Kind, Refusal, refusal_of, token_refusal
from catalog.system.encryption import seal, unseal
from tests.fakes.spotify import User
from tests.fakes.spotify_objects import numbered
from tests.fakes.spotify_use import FRESH, NOW, STALE, connect
from tests.shared import SHARED_DATA, needs_shared

pytestmark = pytest.mark.django_db


def api(account: Account) -> Api:
    return Api(RowToken(account.pk), lambda: NOW)


def refresh_calls(spotify) -> int:
    return sum(request.form.get("grant_type") == "refresh_token" for request in spotify.requests)


def stored(account: Account) -> dict:
    return json.loads(unseal(Account.objects.get(pk=account.pk).token))


# --- Tokens ---


def test_a_token_that_has_run_out_is_refreshed_and_the_new_one_is_stored_sealed(spotify, anna):
    account = connect(spotify, expires_at=STALE)
    before = stored(account)
    assert api(account).me()["id"] == "anna"
    after = stored(account)
    assert after["refresh_token"] != before["refresh_token"] and after["expires_at"] > 1_700_000_000
    assert "secret" not in Account.objects.get().token
    api(account).me()
    assert refresh_calls(spotify) == 1


def test_a_401_is_answered_with_one_refresh(spotify, anna):
    account = connect(spotify, expires_at=FRESH)
    spotify.access.clear()  # Spotify has forgotten the access token before its time
    assert api(account).me()["id"] == "anna"
    assert refresh_calls(spotify) == 1


def test_a_second_401_means_connect_again(spotify, anna):
    spotify.fault("/me", 401, times=9)
    account = connect(spotify)
    with pytest.raises(Refusal) as refused:
        api(account).me()
    assert refused.value.kind == Kind.RECONNECT
    assert refresh_calls(spotify) == 1 and len(spotify.paths()) == 2


@pytest.mark.django_db(transaction=True)
def test_eight_that_find_the_token_run_out_refresh_it_once(spotify, anna):
    account = connect(spotify, expires_at=STALE)
    found, barrier = [], threading.Barrier(8)

    def ask():
        try:
            barrier.wait(10)
            found.append(api(account).me()["id"])
        except Exception as error:
            found.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == ["anna"] * 8
    assert refresh_calls(spotify) == 1


def test_a_consent_that_has_ended_means_connect_again(spotify, anna):
    account = connect(spotify, expires_at=STALE)
    spotify.refresh.clear()
    with pytest.raises(Refusal, match="six months") as refused:
        api(account).me()
    assert refused.value.kind == Kind.RECONNECT


def test_a_token_sealed_with_another_key_means_connect_again(spotify, anna, settings):
    account = connect(spotify)
    settings.SECRET_KEY = "another key of another installation, long enough"
    with pytest.raises(Refusal, match="connect the account again") as refused:
        api(account).me()
    assert refused.value.kind == Kind.RECONNECT
    assert spotify.requests == []


def test_without_an_app_it_says_what_to_do(spotify, anna, settings):
    account = connect(spotify, expires_at=STALE)
    settings.SPOTIFY_CLIENT_ID = ""
    with pytest.raises(Refusal, match="client id"):
        api(account).me()
    assert app().client_id == ""


def test_the_apps_secret_goes_along_where_one_is_known(spotify, anna, settings):
    spotify.client_secret = settings.SPOTIFY_CLIENT_SECRET = "app-secret"
    assert api(connect(spotify, expires_at=STALE)).me()["id"] == "anna"


def test_a_consent_becomes_a_token_only_with_its_verifier(spotify, anna):
    import requests

    address, verifier = consent_address("the state")
    landed = requests.get(address, allow_redirects=False, timeout=600).headers["Location"]
    code = landed.split("code=")[1].split("&")[0]
    assert "state=the+state" in landed and verifier not in address
    token = token_for_code(code, verifier)
    assert spotify.access[token["access_token"]] == "anna"
    again = requests.get(address, allow_redirects=False, timeout=600).headers["Location"]
    with pytest.raises(Refusal):
        token_for_code(again.split("code=")[1].split("&")[0], "another verifier")


def test_no_secret_is_ever_logged_or_said(spotify, anna, caplog):
    caplog.set_level(logging.DEBUG)
    anna.liked = numbered(0, 60)
    account = connect(spotify, expires_at=STALE)
    spotify.fault("/me/tracks", 401)
    spotify.fault("/me/playlists", 500)
    reading = read_library(account, {}, NOW)
    records = list(reading)
    spotify.refresh.clear()
    Account.objects.update(token=seal(json.dumps(stored(account) | {"expires_at": STALE})))
    with pytest.raises(Refusal) as refused:
        api(account).me()
    assert len(spotify.requests) > 5 and records
    shown = (
        f"{caplog.text} {records} {reading.refusal!r} {refused.value!r} {refused.getrepr(chain=True, showlocals=False)}"
    )
    assert "-secret" not in shown


# --- What a refusal means ---


def test_the_token_goes_to_no_other_address(spotify, anna):
    account = connect(spotify)
    with type(spotify)() as other:
        anna.liked = numbered(0, 120)
        spotify.twist("/me/tracks", lambda page: page.update(next=f"{other.url}/v1/me/tracks?offset=50"))
        spotify.fault("/me/playlists", 302, headers={"Location": f"{other.url}/v1/me/playlists"})
        list(read_library(account, {}, NOW))
        assert other.requests == []


DAY = timedelta(days=1)
RETRY_AFTER = {
    "30": timedelta(seconds=30),
    "86400": DAY,
    "0": timedelta(minutes=1),
    "-5": timedelta(minutes=1),
    "Sun, 22 Nov 2026 13:00:00 GMT": timedelta(hours=1),
    "Sat, 21 Nov 2026 13:00:00 GMT": timedelta(minutes=1),
    "soon": timedelta(minutes=1),
    "": timedelta(minutes=1),
    "1e400": LONGEST,
    "nan": timedelta(minutes=1),
    "99999999999": LONGEST,
}


@pytest.mark.parametrize(("header", "delay"), RETRY_AFTER.items())
def test_a_429_waits_as_long_as_it_says(header, delay):
    refusal = refusal_of(429, "API rate limit exceeded", "", header, NOW, 0)
    assert (refusal.kind, refusal.until) == (Kind.PAUSE, NOW + delay)


def test_each_pause_in_a_row_is_longer_up_to_an_hour():
    delays = [refusal_of(503, "", "", None, NOW, strikes).until - NOW for strikes in range(12)]
    assert delays[:4] == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]
    assert delays[-1] == timedelta(hours=1)


MEANINGS = [
    (429, "", "QUOTA_EXCEEDED", Kind.PAUSE),
    (403, "Quota exceeded for this app", "", Kind.PAUSE),
    (401, "The access token expired", "", Kind.RECONNECT),
    (403, "Forbidden", "", Kind.CLOSED),
    (403, "Active premium subscription required for the owner of the app.", "", Kind.PREMIUM),
    (403, "User not registered in the Developer Dashboard", "", Kind.NOT_ALLOWED),
    (403, "Check settings on developer.spotify.com/dashboard, the user may not be registered.", "", Kind.NOT_ALLOWED),
    (403, "Insufficient client scope", "", Kind.RECONNECT),
    (404, "Resource not found", "", Kind.GONE),
    (400, "Invalid limit", "", Kind.BROKEN),
    (500, "Server error", "", Kind.PAUSE),
    (504, "Gateway timeout.", "", Kind.PAUSE),
]


@pytest.mark.parametrize(("status", "message", "reason", "kind"), MEANINGS)
def test_every_refusal_has_one_meaning_and_a_sentence(status, message, reason, kind):
    refusal = refusal_of(status, message, reason, None, NOW, 0)
    assert refusal.kind == kind
    assert str(refusal).endswith(".") and (refusal.until is not None) == (kind == Kind.PAUSE)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "invalid_grant", Kind.RECONNECT),
        (400, "invalid_client", Kind.RECONNECT),
        (400, "who knows", Kind.RECONNECT),
        (503, "", Kind.PAUSE),
        (429, "", Kind.PAUSE),
    ],
)
def test_the_token_endpoint_may_refuse_too(status, error, kind):
    assert token_refusal(status, error, "60", NOW, 0).kind == kind


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_of_the_token_endpoint_is_told_from_a_dead_consent(spotify, anna, status):
    account = connect(spotify, expires_at=STALE)
    spotify.fault("/api/token", status, headers={"Retry-After": "7"})
    with pytest.raises(Refusal) as refused:
        api(account).me()
    assert (refused.value.kind, refused.value.until) == (Kind.PAUSE, NOW + timedelta(seconds=7))
    assert api(account).me()["id"] == "anna"


def test_silence_and_a_closed_port_are_pauses(spotify, anna, settings, monkeypatch):
    monkeypatch.setattr("catalog.spotify.auth.TIMEOUT", 0.2)
    spotify.hang("/me")
    with pytest.raises(Refusal, match="in time") as silent:
        api(connect(spotify)).me()
    settings.SPOTIFY_API_URL = "http://127.0.0.1:9/v1"
    with pytest.raises(Refusal, match="cannot be reached") as closed:
        api(Account.objects.get()).me()
    assert (silent.value.kind, closed.value.kind) == (Kind.PAUSE, Kind.PAUSE)


@needs_shared
def test_every_recorded_error_has_the_meaning_of_its_status(spotify, anna):
    spotify.add(User("ben"))
    errors = json.loads((SHARED_DATA / "spotify_api/spotdl/errors.json").read_text())
    expected = {429: Kind.PAUSE, 503: Kind.PAUSE, 504: Kind.PAUSE, 404: Kind.GONE, 401: Kind.RECONNECT}
    account = connect(spotify)
    started = datetime.now(UTC)
    for error in errors:
        after = {"Retry-After": error["headers"]["retry-after"][0]} if "retry-after" in error["headers"] else {}
        body = (error["body"] or "").encode()
        spotify.fault("/me", error["status"], body=body, headers=after, times=2 if error["status"] == 401 else 1)
        with pytest.raises(Refusal) as refused:
            api(account).me()
        assert refused.value.kind == expected[error["status"]]
        if after:
            assert refused.value.until == NOW + timedelta(seconds=int(after["Retry-After"]))
    assert len(errors) == 41
    assert datetime.now(UTC) - started < timedelta(seconds=41 * 2)
