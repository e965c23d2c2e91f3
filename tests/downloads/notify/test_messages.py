"""Messages: each event once, when it may be heard, whatever the receiver does meanwhile. The clock is an argument."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from catalog.models import Account, Library, Run, Service
from catalog.system.encryption import seal, unseal
from downloads.checks import OLD_AFTER
from downloads.fetch import ytdlp_version
from downloads.models import Candidate, Channel, Incident, Message
from downloads.notify import apprise_process, deliver, outbox, webhook
from downloads.notify.address import service_address, webhook_address
from downloads.notify.events import KINDS
from tests.downloads.loopback import Loopback
from tests.world import World

SECRET = webhook.new_secret()
DAY_OF_REST = 6  # Sunday


class Receiver(Loopback):
    """Takes messages while it is up, answers 503 while it is not."""

    def __init__(self) -> None:
        self.is_up = True
        self.taken: list[tuple[dict[str, str], bytes]] = []
        super().__init__({"/hook": self.take})

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        if self.is_up:
            self.taken.append(({name.lower(): value for name, value in handler.headers.items()}, self.bodies[-1]))
        handler.send_response(204 if self.is_up else 503)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    @property
    def texts(self) -> list[str]:
        """What people read."""
        return [" ".join(str(value) for value in json.loads(body).values()) for _, body in self.taken]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


@pytest.fixture
def world(world: World) -> World:
    """On a Sunday at noon, so that no summary comes in between."""
    days = DAY_OF_REST - world.now.weekday()
    world.now = world.now.replace(hour=12, minute=0) + timedelta(days=days)
    Service.objects.filter(pk="storage").update(checked_at=world.now)
    return world


def channel(world: World, address: str, kind: str = "apprise", **columns: Any) -> Channel:
    standard = {"events": list(KINDS), "decisions": 1, "created_at": world.now - timedelta(hours=1)}
    secret = seal(SECRET) if kind == "webhook" else ""
    return Channel.objects.create(kind=kind, name="mine", address=seal(address), secret=secret, **(standard | columns))


def something_happens(world: World) -> set[str]:
    """The library goes, Spotify asks for a new consent, a song needs a decision, an import ends. The kinds."""
    Service.objects.filter(pk="storage").update(state="offline", reason="The folder is gone.")
    Account.objects.create(user_id="anna", name="Anna", state="reconnect", reason="Spotify took it back.")
    song = world.make_track("Asked", last_error="Which one?", error_kind="needs_decision")
    Candidate.objects.create(track=song, source="youtube", source_id="x", url="https://x", found_at=world.now)
    Run.objects.create(
        kind="import", started_at=world.now, ended_at=world.now, ok=True, report={"sentence": "9 songs."}
    )
    return {"library", "reconnect", "decisions", "import"}


def live(world: World, minutes: int, step: int = 1) -> None:
    """The tick and its job, every ``step`` minutes."""
    for _ in range(minutes // step):
        now = world.later(minutes=step)
        outbox.write_due(now)
        deliver.send_due(now)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Apprise was given to send: titles and texts."""
    sent: list[str] = []

    def send(_: str, title: str, text: str) -> str:
        sent.append(f"{title}\n{text}")
        return ""

    monkeypatch.setattr(apprise_process, "send", send)
    return sent


def test_a_webhook_that_was_down_for_an_hour_gets_each_event_once_and_signed(world: World, receiver: Receiver) -> None:
    channel(world, f"{receiver.url}/hook", "webhook")
    receiver.is_up = False
    expected = something_happens(world)
    live(world, 60, step=3)
    assert receiver.taken == [] and len(receiver.asked) < 40
    receiver.is_up = True
    live(world, 30, step=3)
    assert Counter(json.loads(body)["type"] for _, body in receiver.taken) == dict.fromkeys(expected, 1)
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == len(expected)
    for headers, body in receiver.taken:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_an_event_that_is_over_and_comes_again_is_told_again(world: World, letters: list[str]) -> None:
    channel(world, "json://x")
    for _ in range(2):
        Service.objects.filter(pk="storage").update(state="full")
        live(world, 70, step=10)
        Service.objects.filter(pk="storage").update(state="online")
        live(world, 70, step=10)
    assert [letter.splitlines()[0] for letter in letters] == ["The disk is full"] * 2


def test_people_hear_of_one_kind_once_an_hour_at_most_and_miss_nothing(world: World, letters: list[str]) -> None:
    channel(world, "json://x")
    for number in range(30):
        Run.objects.create(
            kind="import", started_at=world.now, ended_at=world.now, report={"sentence": f"Run {number}."}
        )
        live(world, 5, step=5)
    live(world, 60, step=5)
    assert len(letters) == 4
    assert all(sum(f"Run {number}." in letter for letter in letters) == 1 for number in range(30))


def test_nothing_is_sent_in_quiet_hours_and_all_of_it_afterwards(world: World, letters: list[str]) -> None:
    channel(world, "json://x", quiet="12:00-14:00")
    expected = something_happens(world)
    live(world, 116, step=4)
    live(world, 2)
    assert letters == []
    live(world, 4)
    assert len(letters) == len(expected) and all("Sun 12:" in letter for letter in letters)


def test_a_pause_is_told_after_the_hours_that_the_channel_names(world: World, letters: list[str]) -> None:
    channel(world, "json://x", paused_hours=2)
    Service.objects.create(name="audio", reason="YouTube asks for a login.", state="paused", strikes=3)
    live(world, 1)
    live(world, 119, step=17)
    assert letters == []
    live(world, 2)
    assert letters == ["Downloads have been paused for 2 h\nYouTube asks for a login."]


def test_a_hold_an_end_of_a_permission_and_an_old_ytdlp_are_told_once(
    world: World, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel(world, "json://x")
    age = OLD_AFTER
    monkeypatch.setattr(ytdlp_version, "age_days", lambda _: age)
    given = world.now - timedelta(days=180)
    account = Account(user_id="anna", name="Anna", consent_at=given)
    assert account.ends_at
    account.consent_at = given + (world.now + timedelta(days=7, minutes=30) - account.ends_at)
    account.save()
    live(world, 2)
    assert letters == []
    age += 1
    Library.objects.update(held_since=world.now, held_reason="30 files disappeared.")
    live(world, 180, step=20)
    assert sorted(letter.splitlines()[0].partition(" ends on ")[0] for letter in letters) == [
        "Many files disappeared at once: downloads wait for you",
        "Spotify account Anna: its permission",
        f"yt-dlp is {OLD_AFTER + 1} days old",
    ]


def test_the_summary_comes_on_monday_morning_once(world: World, letters: list[str]) -> None:
    channel(world, "json://x", events=["digest"])
    monday = (world.now + timedelta(days=1)).replace(hour=7, minute=58)
    world.now = monday
    live(world, 1)
    assert letters == []
    live(world, 90, step=9)
    world.now = monday + timedelta(days=3)
    live(world, 2)
    assert letters == [
        "This week: 0 new songs\n6 of 6 songs are here, 0 are missing.\n0 songs waiting for your decision."
    ]


def test_where_nothing_is_set_nothing_is_written(world: World) -> None:
    something_happens(world)
    channel(world, "json://x", enabled=False)
    channel(world, "json://x", events=[])
    live(world, 10)
    assert not Message.objects.exists() and not Incident.objects.exists()


def test_of_two_processes_one_alone_tells_and_one_alone_sends(world: World, letters: list[str]) -> None:
    mine = channel(world, "json://x")
    Service.objects.filter(pk="storage").update(state="full")
    facts = outbox.lasting(world.now)
    both = [outbox._begun(mine, facts, world.now) for _ in range(2)]
    assert [outbox._tell(mine, *begun[0], world.now) for begun in both] == [True, False]
    first, second = Message.objects.get(), Message.objects.get()
    assert [deliver._claim(first, world.now), deliver._claim(second, world.now)] == [True, False]
    assert deliver.send_due(world.later(minutes=1)).sent == 0
    assert deliver.send_due(world.later(minutes=5)).sent == 1  # the one who claimed it died


@pytest.mark.parametrize(
    "address",
    [
        *(
            "syslog://",
            "dbus://",
            "file:///etc/passwd",
            "windows://",
            "macosx://",
            "blink1://",
            "fcm://p@a/?keyfile=/x",
        ),
        *("ntfy://a b", "slack://a/b/c/?template=/etc/passwd", "mailto://a:b@c?pgppub=/x", "https://a/b", "", "ntfy"),
    ],
)
def test_an_address_that_names_this_machine_or_nothing_is_refused(address: str) -> None:
    with pytest.raises(ValueError) as refused:
        service_address(address)
    assert "passwd" not in str(refused.value)


def test_a_webhooks_page_shows_its_host_and_nothing_more() -> None:
    assert webhook_address("https://user:pw@10.0.0.5:8080/secret?token=1")[1] == "https://10.0.0.5:8080/…"
    for wrong in ("ftp://a/b", "https://", "javascript:alert(1)", "http://[::1", "http://a/\nb"):
        with pytest.raises(ValueError):
            webhook_address(wrong)


def test_the_page_takes_an_address_and_gives_none_away(admin_client: Any, world: World, receiver: Receiver) -> None:
    form = {"kind": "webhook", "name": "Mine", "address": f"{receiver.url}/hook?key=k3y-of-mine"}
    answer = admin_client.post("/messages/add", form).content.decode()
    mine = Channel.objects.get()
    assert unseal(mine.secret) in answer and "k3y-of-mine" not in answer
    admin_client.post(
        f"/messages/{mine.pk}/save", {"events": ["import"], "quiet": "22-7", "paused_hours": 3, "decisions": 9}
    )
    admin_client.post(f"/messages/{mine.pk}/test")
    deliver.send_due(world.later(hours=12))
    page = admin_client.get("/messages").content.decode()
    assert "k3y-of-mine" not in page and unseal(mine.secret) not in page and "Messages arrive here." in page
    mine.refresh_from_db()
    assert (mine.events, mine.quiet, mine.paused_hours, mine.enabled) == (["import"], "22-7", 3, False)
    assert len(receiver.taken) == 1
    refused = admin_client.post("/messages/add", {"kind": "apprise", "address": "syslog://k3y-of-mine"})
    assert refused.status_code == 400 and "k3y-of-mine" not in refused.content.decode()


@pytest.mark.long
def test_apprise_itself_tells_each_event_once_after_quiet_hours_and_an_hour_without_receiver(
    world: World, receiver: Receiver
) -> None:
    port = receiver.url.rpartition(":")[2]
    address = f"json://127.0.0.1:{port}/hook"
    assert apprise_process.masked(address) == f"json://127.0.0.1:{port}/hook"
    channel(world, address, quiet="12:00-13:00")
    expected = something_happens(world)
    live(world, 58)
    assert receiver.asked == []
    receiver.is_up = False
    live(world, 60)
    assert receiver.taken == [] and receiver.asked
    assert "status 503" in Message.objects.filter(attempts__gt=0).first().problem
    receiver.is_up = True
    live(world, 30)
    assert len(receiver.taken) == len(expected)
    for words in ("The music folder is missing", "Anna: connect it again", "1 song waiting", "9 songs."):
        assert sum(words in text for text in receiver.texts) == 1
