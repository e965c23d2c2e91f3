"""Who is let in here, and as whom we ask Spotify."""

from __future__ import annotations

from django.db import models


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

    def __str__(self) -> str:
        return self.name or self.user_id


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
