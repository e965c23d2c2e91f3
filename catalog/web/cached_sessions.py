"""SESSION_ENGINE where there is a Redis (REDIS_URL): `catalog.web.sessions`, read from the cache for some minutes.

The row is the truth: a session ends for all hosts when its row goes, and a cache that does not answer costs one query
and nothing else. What is cached is believed for `BELIEVED` at most, in case a cache could not be told of an end.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone

from catalog.models import BrowserSession
from catalog.web import sessions

BELIEVED = timedelta(minutes=5)
PREFIX = "session-"

logger = logging.getLogger(__name__)


class JsonSerializer:
    """What stands in Redis is data: Django's own way, pickle, would run what somebody else has put there."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class SessionStore(sessions.SessionStore):
    """Reads the cache first, then the row."""

    def load(self) -> dict[str, Any]:
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


@receiver([post_save, post_delete], sender=BrowserSession)
def forget(instance: BrowserSession, **_: Any) -> None:
    """A row that was written or has gone, by whatever way: the next page reads it anew."""
    _of_cache(lambda: cache.delete(PREFIX + instance.session_key))


def _of_cache(work: Callable[[], Any]) -> Any:
    """What the cache answers; None where it does not."""
    try:
        return work()
    except Exception as error:  # of whichever library the cache is made of
        logger.warning("The cache did not answer: %s", type(error).__name__)
        return None
