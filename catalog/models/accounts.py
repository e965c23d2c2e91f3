"""Who is let in here, and as whom we ask Spotify."""

from __future__ import annotations

import calendar
import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models

PREFIX = "tk_"  # of a token's text: a leaked one can be searched for
USED_EVERY = timedelta(minutes=1)
CONSENT_MONTHS = 6  # Spotify ends a refresh token six months after consent (2026)


class Account(models.Model):
    """A Spotify account. ``token`` is sealed with a key derived from SECRET_KEY (`catalog.system.encryption`)."""

    class State(models.TextChoices):
        CONNECTED = "connected"
        RECONNECT = "reconnect", "reconnect needed"
        PREMIUM = "premium", "needs Premium"
        NOT_ALLOWED = "not_allowed", "app not allowed for this user"

    user_id = models.CharField(max_length=100, unique=True)
    name = models.TextField(blank=True, default="")
    product = models.CharField(max_length=20, blank=True, default="")
    token = models.TextField(blank=True, default="")
    consent_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.CONNECTED)
    reason = models.TextField(blank=True, default="")
    whole_read_at = models.DateTimeField(null=True, blank=True, help_text="When one collection was read to its end.")

    def __str__(self) -> str:
        return self.name or self.user_id

    @property
    def ends_at(self) -> datetime | None:
        """The end of the consent: six months after it, or the month's last day. None where it is not known."""
        if self.consent_at is None:
            return None
        months = self.consent_at.month - 1 + CONSENT_MONTHS
        year, month = self.consent_at.year + months // 12, months % 12 + 1
        day = min(self.consent_at.day, calendar.monthrange(year, month)[1])
        return self.consent_at.replace(year=year, month=month, day=day)


class SpotifyApp(models.Model):
    """The client id and sealed secret of the person's own Spotify app (row 1), where the environment has none."""

    client_id = models.CharField(max_length=64, blank=True, default="")
    client_secret = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.client_id


class SetupLink(models.Model):
    """The one-time link that makes the first admin (`catalog.web.setup_link`). Only the digest of its token is kept."""

    digest = models.CharField(max_length=64, primary_key=True)
    valid_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"valid until {self.valid_until:%Y-%m-%d %H:%M}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens by which other programs are let in."""

    def issue(self, user: AbstractBaseUser, name: str, scope: str, now: datetime) -> str:
        """Make a token and return its text, which is shown once and not kept."""
        text = PREFIX + secrets.token_urlsafe(32)
        self.create(user=user, name=name, scope=scope, digest=digest(text), created_at=now)
        return text

    def find(self, text: str, now: datetime) -> ApiToken | None:
        """The token with this text, if its person may still log in; its last use is written at most once a minute."""
        token = self.select_related("user").filter(digest=digest(text), user__is_active=True).first()
        if token and (token.used_at is None or not now - USED_EVERY < token.used_at <= now):
            self.filter(pk=token.pk).update(used_at=now)
        return token


class ApiToken(models.Model):
    """Lets a program in as a person: ``read`` answers questions, ``act`` also presses buttons.

    Only the SHA-256 of its text is kept: 256 random bits cannot be guessed from it.
    """

    class Scope(models.TextChoices):
        READ = "read"
        ACT = "act"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=4, choices=Scope.choices)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="api_token_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.scope})"

    @property
    def may_act(self) -> bool:
        return self.scope == self.Scope.ACT


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class LoginFailure(models.Model):
    """A wrong password (`catalog.web.throttled_login`): kept for ten minutes, the name only as its digest."""

    network = models.CharField(max_length=50)
    account = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["network", "at"], name="login_failure_network")]

    def __str__(self) -> str:
        return f"{self.network} {self.at}"
