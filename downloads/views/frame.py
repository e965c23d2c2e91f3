"""What stands around every page: the five places with their numbers, and the banner of what is wrong.

Reads a handful of rows and bounded counts, and only when a template asks for it: the admin's own pages pay nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.functional import cached_property
from django.utils.http import urlencode

from catalog.db import database_clock
from catalog.models import AdoptionMatch, Library
from catalog.reports import status
from catalog.reports.public_status import public_conditions
from catalog.spotify import accounts
from catalog.text.humanize import AtLeast, ahead
from catalog.web.keyset_pages import CountOnEachPage
from catalog.web.permissions import is_insider, may_act, may_own, may_read
from downloads.health.report import attention
from downloads.review import questions

_matches = CountOnEachPage(questions.COUNTED_TO, AdoptionMatch.objects.unanswered)
THEMES = ("light", "dark")
THEME_COOKIE = "tonekeep_theme"


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation."""

    name: str
    url_name: str
    label: str
    icon: str
    count: int = 0


# The pages of the settings: URL name, label, icon, what can be done there.
SETTINGS_PAGES = (
    ("connect", "Spotify", "music", "Connect an account; see until when its permission holds."),
    (
        "plan",
        "The plan",
        "list-checks",
        "What is here already, what is to be downloaded; look through the folder again.",
    ),
    ("import", "Import", "file-up", "Bring songs from a file, without any account."),
    (
        "collections",
        "Playlists & albums",
        "list-music",
        "Choose what is downloaded, and what becomes of removed songs.",
    ),
    ("preferences", "Downloads", "download", "Format, pace, hours, free space, when to ask first."),
    ("paths", "File names", "folder", "How folders and files are named; move what is here already."),
    ("tags", "Tags", "file-up", "What is written into files, and what follows a correction at Spotify."),
    ("adopt", "Music you already have", "folder-check", "Files in the folder that may be songs of yours."),
    ("start", "Music folder", "hard-drive", "Its disk and room; it has moved, or shall be another one."),
    ("trash", "Bin", "trash-2", "Files of songs that nothing holds any more, and the way back."),
    ("messages", "Messages", "bell", "Who hears of what matters: phone, mail, chat or a webhook."),
    ("players", "Players", "radio-tower", "MPD, Navidrome, Jellyfin, Plex: told at once when songs come or go."),
    ("health", "Health", "heart-pulse", "Whether everything that downloads need is in order."),
    ("maintenance", "Maintenance", "database", "Check the library; make a backup and save it."),
    ("people", "People", "user", "Who may log in, and what each may do; invite somebody."),
    ("admin:index", "Admin", "database", "Every row, for looking things up."),
)
OWNERS_PAGES = {
    "connect",
    "preferences",
    "paths",
    "tags",
    "messages",
    "players",
    "maintenance",
    "people",
    "admin:index",
}


@dataclass(frozen=True, slots=True)
class Banner:
    """One thing that is wrong for everybody: in words, with one way on. ``mood`` is busy, warn or bad."""

    name: str
    mood: str
    icon: str
    title: str
    text: str


class Frame:
    """The frame of one request's page."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.now: datetime = database_clock.now()
        theme = request.COOKIES.get(THEME_COOKIE, "")
        self.theme = theme if theme in THEMES else ""

    @cached_property
    def may_act(self) -> bool:
        return may_act(self.request)

    @cached_property
    def may_own(self) -> bool:
        return may_own(self.request)

    @cached_property
    def insider(self) -> bool:
        return is_insider(self.request)

    @cached_property
    def conditions(self) -> dict[str, Any]:
        known: dict[str, Any] | None = getattr(self.request, "conditions", None)  # from the view's own snapshot
        if known is not None:
            return known
        state = status.conditions(self.now)
        return state if self.insider else public_conditions(state)

    @cached_property
    def places(self) -> list[Place]:
        """A stranger sees nothing, a reader three places, who runs the installation all five."""
        if not may_read(self.request):
            return []
        everyone = [
            Place("home", "status", "Home", "house"),
            Place("library", "albums", "Library", "disc-3"),
            Place("todo", "todo", "To do", "list-checks", self.todo),
            Place("activity", "activity", "Activity", "activity"),
            Place("settings", "settings", "Settings", "settings", self.health),
        ]
        return [place for place in everyone if self.may_act or place.name not in ("todo", "settings")]

    @property
    def settings_pages(self) -> tuple[tuple[str, str, str, str], ...]:
        """Those of them that this person may open."""
        return tuple(page for page in SETTINGS_PAGES if self.may_own or page[0] not in OWNERS_PAGES)

    @property
    def login_url(self) -> str:
        return f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': self.request.get_full_path()})}"

    @cached_property
    def first_start(self) -> bool:
        """Whether the steps of the first start are shown: until the first plan is accepted."""
        library = Library.current()
        return self.may_own and settings.CONFIRM_PLANS and library.accepted_up_to is None

    @cached_property
    def todo(self) -> int:
        """What only a person can settle: songs to choose a recording for, files in doubt, a hold. 0 for readers."""
        if not self.may_act:
            return 0
        total = sum(self.todo_counts.values())
        return AtLeast(total) if any(isinstance(number, AtLeast) for number in self.todo_counts.values()) else total

    @cached_property
    def health(self) -> int:
        """How many health checks ask for a look."""
        return attention(self.now) if self.may_act else 0

    @cached_property
    def todo_counts(self) -> dict[str, int]:
        return {
            "review": questions.count_open(),
            "adopt": _matches(),
            "plan": int(self.conditions["plan"]["waits"]) + bool(self.conditions["plan"]["to_bin"]),
            "hold": int(self.conditions["storage"]["state"] == "held"),
        }

    @cached_property
    def blocked(self) -> bool:
        """Whether nothing new is downloaded now: what pages say of a song's next try must agree."""
        audio = next(service for service in self.conditions["services"] if service["name"] == "audio")
        return bool(
            self.conditions["plan"]["waits"]
            or self.conditions["rest"]
            or audio["paused"]
            or self.conditions["storage"]["state"] != "online"
        )

    @cached_property
    def banners(self) -> list[Banner]:
        if not may_read(self.request):
            return []
        candidates = [self._storage(), self._plan(), self._audio(), self._workers()]
        if self.may_own:
            candidates += [
                Banner("account", mood, "music", "Spotify", sentence) for mood, sentence in accounts.alerts(self.now)
            ]
        return [banner for banner in candidates if banner]

    def _storage(self) -> Banner | None:
        state = self.conditions["storage"]["state"]
        reason = self.conditions["storage"]["reason"]
        known = {
            "offline": ("bad", "Music folder missing", "Downloads resume by themselves once it is back."),
            "held": ("warn", "Many files disappeared at once", "If they come back, this goes away by itself."),
            "full": ("bad", "The disk is full", "Downloads resume by themselves once there is room."),
            "readonly": ("bad", "The music folder cannot be written to", "Downloads resume by themselves afterwards."),
        }
        if state not in known or (state == "offline" and self.conditions["storage"]["checked_at"] is None):
            return None
        mood, title, text = known[state]
        return Banner(state, mood, "hard-drive", title, f"{reason} {text}".strip())

    def _plan(self) -> Banner | None:
        if not self.conditions["plan"]["waits"] or self.request.path.rstrip("/") == "/plan":
            return None
        text = "Nothing is downloaded before you have seen what is here already and what would be downloaded."
        return Banner("plan", "busy", "list-checks", "The plan waits for you", text)

    def _audio(self) -> Banner | None:
        audio = next(service for service in self.conditions["services"] if service["name"] == "audio")
        if not audio["paused"] or audio["state"] == "canary":
            return None
        if audio["paused_by_person"]:
            text = "Nothing new is downloaded until somebody resumes."
            return Banner("paused", "warn", "pause", "Downloads are paused", text)
        until = ahead(audio["paused_until"], self.now)
        return Banner("paused", "warn", "cloud-off", f"Downloads resume {until}", audio["reason"])

    def _workers(self) -> Banner | None:
        workers = self.conditions["workers"]
        if workers["state"] == "running":
            return None
        silent = ", ".join(workers["silent"])
        title = f"No sign of the workers ({silent})" if silent else "No worker is running"
        return Banner("workers", "warn", "server", title, "Start Tonekeep again; nothing is lost meanwhile.")


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``frame`` for every template."""
    return {"frame": Frame(request)}
