"""SESSION_ENGINE: Django's sessions in the database, with whose they are, in which browser and when last seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends import db
from django.dispatch import receiver
from django.http import HttpRequest

from catalog.db import database_clock
from catalog.models import BrowserSession
from catalog.web.client_address import client_network

SEEN_EVERY = timedelta(minutes=5)  # "last seen" is written no more often
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS", "Linux": "Linux",
}  # fmt: skip


class SessionStore(db.SessionStore):
    """As Django's own; the columns are filled in from what `note_browser` has put into the session."""

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:  # type: ignore[override]  # a sibling of Django's model
        return BrowserSession

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
