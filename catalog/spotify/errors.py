"""What it means when Spotify says no: whose fault it is, until when to leave it alone, and what a person can do.

Pure: no network, no Django. Rates: https://developer.spotify.com/documentation/web-api/concepts/rate-limits. The
sentences below are matched against what Spotify wrote; an answer that matches none still gets a sentence.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

SHORTEST = timedelta(seconds=1)
UNSAID = timedelta(minutes=1)  # a 429 without a usable Retry-After; doubled by each strike
DOWN = timedelta(minutes=1)  # 5xx, timeouts; doubled by each strike
QUOTA = timedelta(hours=12)  # a used-up quota without a date: Spotify's quotas are counted by the day
LONGEST = timedelta(days=2)  # nobody is believed about more than that: a typing error must not stop us for a year
DOUBLED_UP_TO = timedelta(hours=1)


class Kind(StrEnum):
    """Whose refusal it is."""

    PAUSE = "pause"  # everybody's: leave Spotify alone until the moment said
    RECONNECT = "reconnect"  # this account's: its token is worth nothing any more
    PREMIUM = "premium"  # the app's owner has no Premium (development-mode apps, since February 2026)
    NOT_ALLOWED = "not_allowed"  # the app's owner has not put this user on the list
    CLOSED = "closed"  # this one thing is not opened to us
    GONE = "gone"  # this one thing is not there
    BROKEN = "broken"  # this one answer cannot be read


class Refusal(Exception):
    """Spotify's no. ``reason`` is a sentence for a person; ``until`` is set where everything has to wait."""

    def __init__(self, kind: Kind, reason: str, until: datetime | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.until = until

    @property
    def ends_the_read(self) -> bool:
        """Whether asking for anything else would be refused as well."""
        return self.kind not in {Kind.CLOSED, Kind.GONE, Kind.BROKEN}


# 403 by what Spotify wrote, lower case. The first that fits counts; a bare "Forbidden" is about what was asked for.
FORBIDDEN: list[tuple[str, Kind, str]] = [
    # Since February 2026 a development-mode app works only while its owner has Premium.
    (
        "premium",
        Kind.PREMIUM,
        "Spotify opens its interface only to apps whose owner has Premium; without it, import a file instead.",
    ),
    # A development-mode app serves the five users whom its owner has listed.
    (
        "not registered",
        Kind.NOT_ALLOWED,
        "This Spotify user is not allowed to use the app; add them under User Management in the app's settings.",
    ),
    (
        "not be registered",
        Kind.NOT_ALLOWED,
        "This Spotify user is not allowed to use the app; add them under User Management in the app's settings.",
    ),
    ("scope", Kind.RECONNECT, "The permission does not cover everything that is read; connect the account again."),
    ("oauth", Kind.RECONNECT, "Spotify does not accept the stored permission; connect the account again."),
]

# What the token endpoint says (RFC 6749, 5.2).
TOKEN_ERRORS: dict[str, str] = {
    "invalid_grant": "The permission has ended or was withdrawn (it lasts six months); connect the account again.",
    "invalid_client": "Spotify does not know the app; check its client id and secret, then connect again.",
    "unauthorized_client": "Spotify does not let the app sign in this way; check the app, then connect again.",
    "invalid_request": "Spotify did not understand the request for a token; connect the account again.",
}


def refusal_of(status: int, message: str, reason: str, retry_after: str | None, now: datetime, strikes: int) -> Refusal:
    """The meaning of an HTTP error of the interface. ``strikes`` are the pauses in a row so far."""
    text = f"{message} {reason}".lower()
    if "quota" in text:
        until = now + (_said_delay(retry_after, now) or QUOTA)
        return Refusal(Kind.PAUSE, "The app's quota at Spotify is used up.", until)
    if status == 429:
        delay = _said_delay(retry_after, now) or _doubled(UNSAID, strikes)
        return Refusal(Kind.PAUSE, "Spotify asks for fewer requests.", now + delay)
    if status >= 500 or status == 408:
        delay = _said_delay(retry_after, now) or _doubled(DOWN, strikes)
        return Refusal(Kind.PAUSE, f"Spotify has a problem of its own (HTTP {status}).", now + delay)
    if status == 401:
        return Refusal(Kind.RECONNECT, "Spotify does not accept the stored permission; connect the account again.")
    if status == 403:
        fits = ((kind, sentence) for sign, kind, sentence in FORBIDDEN if sign in text)
        return Refusal(*next(fits, (Kind.CLOSED, "Spotify does not open it to this app.")))
    if status == 404:
        return Refusal(Kind.GONE, "Spotify does not find it.")
    return Refusal(Kind.BROKEN, f"Spotify refused with HTTP {status}.")


def token_refusal(status: int, error: str, retry_after: str | None, now: datetime, strikes: int) -> Refusal:
    """The meaning of an error of the token endpoint."""
    if status == 429 or status >= 500 or status == 408:
        return refusal_of(status, "", "", retry_after, now, strikes)
    return Refusal(Kind.RECONNECT, TOKEN_ERRORS.get(error, "Spotify gave no token; connect the account again."))


def unreachable(now: datetime, strikes: int, timed_out: bool = False) -> Refusal:
    """No answer at all: no network, no name, no answer in time."""
    sentence = "Spotify did not answer in time." if timed_out else "Spotify cannot be reached."
    return Refusal(Kind.PAUSE, sentence, now + _doubled(DOWN, strikes))


def broken_answer() -> Refusal:
    """A success that holds no JSON, or not what was asked for."""
    return Refusal(Kind.BROKEN, "Spotify's answer could not be read.")


def _said_delay(header: str | None, now: datetime) -> timedelta | None:
    """Retry-After as seconds or as a date (RFC 9110, 10.2.3), within [SHORTEST, LONGEST]; None: it says nothing."""
    text = (header or "").strip()
    try:
        delay: timedelta | None = timedelta(seconds=float(text))
    except OverflowError:
        return LONGEST if not text.startswith("-") else None
    except ValueError:
        delay = _until(text, now)
    if delay is None or delay <= timedelta(0):
        return None
    return min(max(delay, SHORTEST), LONGEST)


def _until(text: str, now: datetime) -> timedelta | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def _doubled(delay: timedelta, strikes: int) -> timedelta:
    return min(delay * 2 ** min(strikes, 10), DOUBLED_UP_TO)
