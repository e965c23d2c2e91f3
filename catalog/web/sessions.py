"""SESSION_ENGINE: Django's sessions in the database, with whose they are, in which browser and when last seen.

Where there is a Redis (REDIS_URL) they are read from it for some minutes. The row is the truth: a session ends on all
hosts when its row goes, and a cache that does not answer costs one query and nothing else. What is cached is believed
for `BELIEVED` at most, in case the cache could not be told of an end.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends import db
from django.core.cache import cache
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from catalog.db import database_clock
from catalog.models import BrowserSession
from catalog.web.client_address import client_network

BELIEVED = timedelta(minutes=5)
PREFIX = "session-"
SEEN_EVERY = timedelta(minutes=5)  # "last seen" is written no more often
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS", "Linux": "Linux",
}  # fmt: skip

logger = logging.getLogger(__name__)


class JsonSerializer:
    """What stands in Redis is data: Django's own way, pickle, would run what somebody else has put there."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class SessionStore(db.SessionStore):
    """As Django's own; the columns are filled in from what `note_browser` has put into the session."""

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:  # type: ignore[override]  # a sibling of Django's model
        return BrowserSession

    def load(self) -> dict[str, Any]:
        """From the cache first, where there is a Redis."""
        key = PREFIX + str(self.session_key)
        data: dict[str, Any] | None = _of_cache(lambda: cache.get(key)) if self.session_key else None
        if data is not None:
            return data
        row = self._get_session_from_db()
        if not row:
            return {}
        data = self.decode(row.session_data)
        kept = min(BELIEVED, row.expire_date - timezone.now())  # Django's own clock made that date
        _of_cache(lambda: cache.set(key, data, kept.total_seconds()))
        return data

    def create_model_instance(self, data: dict[str, Any]) -> BrowserSession:  # type: ignore[override]
        row: Any = super().create_model_instance(data)
        row.user_id = data.get(SESSION_KEY)
        row.browser, row.network = data.get("browser", ""), data.get("network", "")
        row.seen_at = database_clock.now()
        return row  # type: ignore[no-any-return]

    def _get_session_from_db(self) -> Any:
        row: Any = super()._get_session_from_db()  # type: ignore[misc]  # Django's, in no stub
        now = database_clock.now()
        if row and row.user_id and not now - SEEN_EVERY < row.seen_at <= now:
            BrowserSession.objects.filter(pk=row.pk).update(seen_at=now)
        return row


@receiver([post_save, post_delete], sender=BrowserSession)
def forget(instance: BrowserSession, **_: Any) -> None:
    """A row that was written or has gone, by whatever way: the next page reads it anew."""
    _of_cache(lambda: cache.delete(PREFIX + instance.session_key))


def _of_cache(work: Callable[[], Any]) -> Any:
    """What the cache answers; None where it does not, or where there is no Redis."""
    if not settings.REDIS_URL:
        return None
    try:
        return work()
    except Exception as error:  # of whichever library the cache is made of
        logger.warning("The cache did not answer: %s", type(error).__name__)
        return None


@receiver(user_logged_in)
def note_browser(request: HttpRequest, **_: Any) -> None:
    request.session["browser"] = browser_name(request.headers.get("User-Agent", ""))
    request.session["network"] = client_network(request)


def browser_name(agent: str) -> str:
    """A User-Agent header as people say it: "Firefox on Linux"; "Another program" where it names no browser."""
    browser = next((name for mark, name in BROWSERS.items() if mark in agent), "Another program")
    system = next((name for mark, name in SYSTEMS.items() if mark in agent), "")
    return f"{browser} on {system}" if system else browser


def end_others(user: AbstractBaseUser, request: HttpRequest) -> int:
    """Log the person out of every browser but this one; how many those were."""
    rows = BrowserSession.objects.filter(user_id=user.pk).exclude(pk=request.session.session_key)
    return rows.delete()[0]
