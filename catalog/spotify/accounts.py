"""Connecting Spotify accounts: the app, the consent, the way back, and what a person should know about each account."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from catalog.db import database_clock
from catalog.models import Account, Service, SpotifyApp
from catalog.spotify.app import app
from catalog.spotify.errors import Kind, Refusal
from catalog.spotify.parse import mapping, text
from catalog.system.encryption import Unsealable, seal, unseal

CLIENT_ID = re.compile(r"[0-9a-f]{32}\Z")
WARN_AHEAD = [1, 7, 30]  # days before the end at which the banner grows louder
CONSENT_WITHIN = timedelta(minutes=30)  # a consent that takes longer was left open somewhere
SPOTIFY = "spotify"  # the service
PENDING = "spotify_consent"  # key in the session
NAMELESS = "new:"  # begins the user id of a token whose owner is not known yet

STATES = {Kind.RECONNECT: "reconnect", Kind.PREMIUM: "premium", Kind.NOT_ALLOWED: "not_allowed"}


class ConnectProblem(Exception):
    """Why connecting did not work, and what to do next, in a sentence."""


# --- The app ----------------------------------------------------------------------------------------------


def save_app(client_id: str, client_secret: str = "") -> None:
    """Store the person's own Spotify app. Raises ConnectProblem where this can be no client id."""
    client_id, client_secret = client_id.strip(), client_secret.strip()
    if not CLIENT_ID.match(client_id):
        raise ConnectProblem("That is no client id: it has 32 characters, digits and the letters a to f.")
    sealed = seal(client_secret) if client_secret else ""
    SpotifyApp.objects.update_or_create(pk=1, defaults={"client_id": client_id, "client_secret": sealed})


def app_problem() -> str:
    """What Spotify has against the stored app or the redirect address, in a sentence; "" where it has nothing."""
    from catalog.spotify import auth  # here: it loads spotipy (17 MB)

    try:
        return auth.app_problem()
    except Refusal as refusal:
        return refusal.reason


# --- The consent ------------------------------------------------------------------------------------------


def begin(session: MutableMapping[str, Any], now: datetime) -> str:
    """The address to send a person to. What has to come back with them is kept in the session."""
    from catalog.spotify.auth import consent_address  # here: it loads spotipy (17 MB)

    state = secrets.token_urlsafe(24)
    try:
        address, verifier = consent_address(state)
    except Refusal as refusal:
        raise ConnectProblem(refusal.reason) from refusal
    session[PENDING] = {"state": state, "verifier": verifier, "at": now.timestamp()}
    return address


def finish(session: MutableMapping[str, Any], landed: str, now: datetime) -> Account:
    """Take the address at which a person landed after consenting, whole or its query alone. The account connected.

    The state must be the one that this session sent out: else somebody could slip us their own account. Raises
    ConnectProblem; then nothing is stored.
    """
    landed = landed.strip().partition("#")[0]
    query = parse_qs(landed.partition("?")[2] or landed)
    parameters = {name: values[0] for name, values in query.items()}
    pending = mapping(session.get(PENDING))
    if "state" not in parameters or not {"code", "error"} & set(parameters):
        raise ConnectProblem("That is not the address to which Spotify leads: it contains code=… and state=….")
    if not pending or not secrets.compare_digest(parameters["state"].encode(), str(pending["state"]).encode()):
        raise ConnectProblem("That permission was not asked for here, or was used already; press Connect once more.")
    if now.timestamp() - pending["at"] > CONSENT_WITHIN.total_seconds():
        raise ConnectProblem("That permission was asked for more than half an hour ago; press Connect once more.")
    del session[PENDING]  # a state is good for one use
    if "error" in parameters:
        denied = parameters["error"] == "access_denied"
        raise ConnectProblem(
            "You did not give permission at Spotify." if denied else "Spotify did not accept the app's request."
        )
    return _connect(parameters["code"], str(pending["verifier"]), now)


def _connect(code: str, verifier: str, now: datetime) -> Account:
    from catalog.spotify.auth import HeldToken, token_for_code  # here: it loads spotipy
    from catalog.spotify.client import Api

    try:
        token = token_for_code(code, verifier)
        person = mapping(Api(HeldToken(token)).me())
    except Refusal as refusal:
        raise ConnectProblem(f"Spotify did not let you in: {refusal.reason}") from refusal
    account = _remember(person, seal(json.dumps(token)), now)
    Service.objects.worked("spotify")
    return account


def _remember(person: Any, sealed: str, consent_at: datetime | None) -> Account:
    """The row of a Spotify user, with a new token. A person who connects again keeps their row."""
    user_id = text(person.get("id"))[:100]
    if not user_id:
        raise ConnectProblem("Spotify did not say whose account this is; try again.")
    described = {
        "name": text(person.get("display_name")) or user_id,
        "product": text(person.get("product"))[:20],
        "token": sealed,
        "consent_at": consent_at,
        "state": Account.State.CONNECTED,
        "reason": "",
    }
    return Account.objects.update_or_create(user_id=user_id, defaults=described)[0]


def disconnect(account: Account) -> None:
    """Forget an account's token. Its collections, tracks and files stay; connecting again goes on with them."""
    account.delete()


# --- A token from the environment -------------------------------------------------------------------------


def take_environment_token(now: datetime) -> None:
    """Move SPOTIFY_REFRESH_TOKEN into a row, once. From then on the row's token counts: Spotify may have renewed it.

    The token is stored before it is used: its first use may end it. Raises Refusal where Spotify does not say whose
    it is; the next call asks again.
    """
    from catalog.spotify.auth import RowToken  # here: it loads spotipy
    from catalog.spotify.client import Api

    given = settings.SPOTIFY_REFRESH_TOKEN
    if given and not app().client_id:
        raise ConnectProblem("It is set, but no Spotify app: set SPOTIFY_CLIENT_ID, or enter it on the page /connect.")
    mark = hashlib.sha256(given.encode()).hexdigest()
    ours = f"{NAMELESS}{mark[:40]}"
    Account.objects.filter(user_id__startswith=NAMELESS).exclude(user_id=ours).delete()  # it was replaced meanwhile
    if given and not any(_mark_of(account) == mark for account in Account.objects.all()):
        token = {"refresh_token": given, "expires_at": 0, "from": mark}
        Account.objects.create(user_id=ours, token=seal(json.dumps(token)))
    for nameless in Account.objects.filter(user_id=ours):
        person = mapping(Api(RowToken(nameless.pk), lambda: now).me())
        nameless.refresh_from_db(fields=["token"])
        _remember(person, nameless.token, None)
        nameless.delete()


def _mark_of(account: Account) -> str:
    """Which token of the environment this account's token came from, or ""."""
    try:
        return str(mapping(json.loads(unseal(account.token))).get("from", ""))
    except (Unsealable, ValueError):
        return ""


# --- What a person should know ----------------------------------------------------------------------------


def pause_sentence(service: Service) -> str:
    """Until when Spotify is left alone, and why."""
    if service.paused_by_person and not service.paused_until:
        return "Spotify is paused until you say go on."
    until = f"{service.paused_until:%Y-%m-%d %H:%M:%S} UTC" if service.paused_until else "you say go on"
    return f"Spotify is paused until {until}. {service.reason}".strip()


def refused(account: Account, refusal: Refusal) -> None:
    """Write down why an account cannot be read; not where the person has connected it anew meanwhile."""
    state = STATES.get(refusal.kind)
    if state:
        same = Account.objects.filter(pk=account.pk, consent_at=account.consent_at)
        same.update(state=state, reason=refusal.reason)


def worked(account: Account) -> None:
    """It could be read: whatever was wrong is over. Writes only where something was."""
    fine = {"state": Account.State.CONNECTED, "reason": ""}
    Account.objects.filter(pk=account.pk).exclude(**fine).update(**fine)


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """An account as a page shows it. ``mood`` is ok, warn or bad; ``advice`` is "" where there is nothing to do."""

    account: Account
    word: str
    mood: str
    advice: str
    ends_at: datetime | None
    days_left: int | None


def account_status(account: Account, now: datetime) -> AccountStatus:
    """What a person should know about an account now."""
    end = account.ends_at
    left = None if end is None else (end - now).days
    if account.state != Account.State.CONNECTED:
        return AccountStatus(account, account.get_state_display(), "bad", account.reason, end, left)
    if left is not None and left < 0:
        return AccountStatus(
            account, "reconnect needed", "bad", "The permission has ended; connect it again.", end, left
        )
    step = next((days for days in WARN_AHEAD if left is not None and left <= days), None)
    if step is None:
        return AccountStatus(account, "connected", "ok", "", end, left)
    when = "today" if left == 0 else "tomorrow" if left == 1 else f"in {left} days"
    advice = f"Spotify ends the permission {when}; connect again to go on without a gap."
    return AccountStatus(account, "connected", "bad" if step == 1 else "warn", advice, end, left)


def account_statuses(now: datetime | None = None) -> list[AccountStatus]:
    """Every account, in the order in which they were connected."""
    moment = now or database_clock.now()
    return [
        account_status(account, moment)
        for account in Account.objects.exclude(user_id__startswith=NAMELESS).order_by("pk")
    ]


def alerts(now: datetime) -> list[tuple[str, str]]:
    """(mood, sentence) for every account that wants a person's attention, for any page."""
    return [(status.mood, f"{status.account}: {status.advice}") for status in account_statuses(now) if status.advice]
