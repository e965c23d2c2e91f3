"""What people may hear of, as it stands in rows now. Nothing is asked outside, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from catalog.models import Account, Event, Run, Service, Track
from catalog.reports import status
from catalog.system.command_line import update_ytdlp
from catalog.text.humanize import count, span
from downloads.checks import OLD_AFTER
from downloads.fetch import ytdlp_version
from downloads.models import Channel
from downloads.review.questions import open_questions
from downloads.search.sources import source

# Kind -> what the page says of it.
KINDS = {
    "library": "The music folder is missing, full or read-only, or many files disappeared at once",
    "reconnect": "Spotify must be connected again",
    "paused": "Downloads or Spotify are paused for long",
    "decisions": "Many songs wait for your decision",
    "import": "A large import has ended",
    "update": "An update of yt-dlp is due",
    "digest": "A summary each Monday",
}
TEST = "test"
SETTLES_WITHIN = timedelta(minutes=5)  # a disk that is plugged in again at once is nobody's concern
CONSENT_ENDS = timedelta(days=7)  # ahead of the end of a permission at Spotify
LATELY = timedelta(days=1)  # an import that ended earlier than that is no news
COUNTED_TO = 100_000  # songs that wait for a person
DIGEST_HOUR = 8  # on Monday, local time
LIBRARY = {
    "offline": "The music folder is missing",
    "held": "Many files disappeared at once: downloads wait for you",
    "full": "The disk is full",
    "readonly": "The music folder cannot be written to",
}
SERVICES = {"audio": "Downloads have been paused", "spotify": "Spotify has been paused"}


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to tell. ``subject`` names it; ``amount`` is the number of songs that it is about, where it has one."""

    kind: str
    subject: str
    title: str
    text: str = ""
    amount: int = 0

    def wait(self, channel: Channel) -> timedelta:
        """How long it must last before this channel hears of it."""
        if self.kind == "paused":
            return timedelta(hours=channel.paused_hours)
        return SETTLES_WITHIN if self.subject == "library:offline" else timedelta()

    def concerns(self, channel: Channel, known: bool) -> bool:
        """Whether the channel wants it. A number that was told and goes up and down a little is not told again."""
        least = channel.decisions // 2 if known else channel.decisions
        return self.kind in channel.events and (self.kind != "decisions" or self.amount >= least)


def lasting(now: datetime) -> list[Fact]:
    """What is the case now and may be for long."""
    return [*_library(now), *_accounts(now), *_pauses(now), *_decisions(), *_update(now)]


def passing(channel: Channel, now: datetime) -> list[Fact]:
    """What has happened once, since the channel was made."""
    return [*_imports(channel, now), *_digest(channel, now)]


def _library(now: datetime) -> Iterator[Fact]:
    storage = status.conditions(now)["storage"]
    if storage["state"] in LIBRARY and storage["checked_at"]:
        reason = storage["reason"]
        yield Fact("library", f"library:{storage['state']}", LIBRARY[storage["state"]], reason)


def _accounts(now: datetime) -> Iterator[Fact]:
    for account in Account.objects.order_by("pk"):
        if account.state != Account.State.CONNECTED:
            yield Fact(
                "reconnect", f"reconnect:{account.pk}", f"Spotify account {account}: connect it again", account.reason
            )
        elif account.ends_at and account.ends_at - now < CONSENT_ENDS:
            title = f"Spotify account {account}: its permission ends on {account.ends_at:%-d %B}"
            yield Fact("reconnect", f"ends:{account.pk}", title, "Connect it again to go on without a gap.")


def _pauses(now: datetime) -> Iterator[Fact]:
    """A service that is tried again and again between its pauses counts as paused all the time."""
    for service in Service.objects.filter(pk__in=SERVICES).order_by("pk"):
        if service.is_paused(now) or service.strikes:
            reason = "Until somebody resumes." if service.paused_by_person else service.reason
            yield Fact("paused", f"paused:{service.pk}", SERVICES[service.pk], reason)


def _decisions() -> Iterator[Fact]:
    if amount := open_questions()[:COUNTED_TO].count():
        yield Fact("decisions", "decisions", f"{count(amount, 'song')} waiting for your decision", amount=amount)


def _update(now: datetime) -> Iterator[Fact]:
    age = ytdlp_version.age_days(now)
    if age and age > OLD_AFTER and source().needs_ytdlp:
        text = f"Sites change, and downloads may begin to fail: {update_ytdlp()}."
        yield Fact("update", "update", f"yt-dlp is {count(age, 'day')} old", text)


def _imports(channel: Channel, now: datetime) -> Iterator[Fact]:
    ended = Run.objects.filter(kind=Run.Kind.IMPORT, ended_at__gt=max(channel.created_at, now - LATELY))
    for run in ended.order_by("pk"):
        title = "An import has ended" if run.ok else "An import has failed"
        yield Fact("import", f"import:{run.pk}", title, run.problem or run.report.get("sentence", ""))


def _digest(channel: Channel, now: datetime) -> Iterator[Fact]:
    local = timezone.localtime(now)
    monday = (local - timedelta(days=local.weekday())).replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
    if not channel.created_at < monday <= local:
        return
    week = Event.objects.filter(at__gt=now - timedelta(days=7), at__lte=now).order_by()
    came = week.filter(kind=Event.Kind.FINISH).values("track").distinct().count()
    counters = Track.objects.counts()
    songs, here = count(counters["songs"], "song"), counters["downloaded"]
    lines = [
        f"{here:,} of {songs} are here, {counters['missing']:,} are missing.",
        f"{count(open_questions()[:COUNTED_TO].count(), 'song')} waiting for your decision.",
    ]
    yield Fact("digest", f"digest:{monday:%Y-%m-%d}", f"This week: {count(came, 'new song')}", "\n".join(lines))


def how_long(since: datetime, now: datetime) -> str:
    """The length of time as "for 2 h"; "" where it has just begun."""
    return f"for {span(now - since)}" if now - since >= SETTLES_WITHIN else ""
