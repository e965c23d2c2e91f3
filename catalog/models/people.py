"""Where people are logged in, and the links by which they come in."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.utils.module_loading import import_string

from catalog.models.accounts import digest


class BrowserSession(AbstractBaseSession):
    """Django's session with the columns that the account page lists (written by `catalog.web.sessions`)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="browser_sessions"
    )
    browser = models.CharField(max_length=60, blank=True, default="")
    network = models.CharField(max_length=50, blank=True, default="")
    seen_at = models.DateTimeField()

    objects: ClassVar[BaseSessionManager[BrowserSession]] = BaseSessionManager()  # type: ignore[assignment]

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """Asked for by Django's manager."""
        store: type[SessionBase] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        return store

    @property
    def handle(self) -> str:
        """Names the session on pages: its key would let whoever reads the page in."""
        return digest(self.session_key)[:32]


class PersonLink(models.Model):
    """A link that makes an account with a role, or sets a new password of ``user``. Used once; its digest is kept."""

    INVITATION = timedelta(days=7)
    RESET = timedelta(days=1)

    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=8, blank=True, default="")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    valid_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.role or self.user} until {self.valid_until:%Y-%m-%d %H:%M}"
