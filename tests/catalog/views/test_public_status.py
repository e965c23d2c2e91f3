"""What STATUS_PUBLIC tells a stranger: on every page and in every answer that it opens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from catalog.models import Account, Cluster, Collection, Event, Library, Run, Service, Track
from tests.test_access import READABLE
from tests.world import World

NAMES = ("anna", "Paul Paulsen")
HIDDEN = "Hidden"  # stands in every text that may name a path, a person or a reason


@pytest.fixture
def telling(world: World, settings: Any) -> World:
    """Everywhere where a text could tell too much it does."""
    settings.STATUS_PUBLIC = True
    now = timezone.now()
    anna = User.objects.create_superuser("anna", "anna@example.org", "secret")
    Library.objects.update(free_bytes=123_456_789, held_since=now, held_reason=f"{HIDDEN} {world.root}")
    Service.objects.update(state="offline", reason=f"{HIDDEN}: {world.root} is not there.")
    Service.objects.create(name="audio", state="paused", reason=HIDDEN, paused_until=now + timedelta(hours=1))
    Service.objects.create(name="spotify", state="ok", reason=HIDDEN)
    Account.objects.create(user_id="paulsen", name="Paul Paulsen", reason=HIDDEN)
    Cluster.objects.create(host="nas", queue=f"downloads.{HIDDEN}", started_at=now, beat_at=now - timedelta(hours=1))
    for kind in (Run.Kind.SYNC, Run.Kind.RECONCILE):
        Run.objects.create(kind=kind, started_at=now, ended_at=now, problem=f"{HIDDEN} {world.root}")
    Collection.objects.update(owner="Paul Paulsen", problem=f"{HIDDEN} {world.root}")
    failed: dict[str, Any] = {"last_error": f"{HIDDEN} {world.root}/x", "attempts": 1, "retry_after": now}
    for error in ("unknown", "bad_file", "disk_full"):
        world.make_track(f"Failed by {error}", error_kind=error, **failed)
    words = f"{HIDDEN}: {world.root}"
    for track in Track.objects.all():
        Event.objects.create(track=track, kind="fail", at=now, reason=words, by=anna.username)
    return world


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("name", sorted(READABLE))
def test_a_stranger_sees_no_path_no_reason_and_nobodys_name(
    client: Client, telling: World, name: str, accept: str
) -> None:
    failed = Track.objects.filter(error_kind="unknown").get()
    pages = {"track": failed.pk, "collection": Collection.objects.get().pk, "album": failed.album_id}
    address = READABLE[name].replace("/1", f"/{pages.get(name, 1)}")
    text = client.get(address, headers={"accept": accept}).content.decode()
    for told in (HIDDEN, str(telling.root), *NAMES, "123456789"):
        assert told not in text


def test_the_same_texts_are_told_to_who_is_logged_in(client: Client, telling: World) -> None:
    client.force_login(User.objects.get())
    failed = Track.objects.filter(error_kind="unknown").get()
    for address in (
        "/",
        f"/tracks/{failed.pk}",
        "/activity",
        "/status",
        "/tracks",
        "/queue",
        f"/collections/{Collection.objects.get().pk}",
    ):
        assert HIDDEN in client.get(address).content.decode(), address
    assert "anna" in client.get(f"/tracks/{failed.pk}").content.decode().partition("<main")[2]
    assert "worker_silent_seconds" in client.get("/metrics").content.decode()


def test_an_account_without_rights_sees_no_persons_name(client: Client, telling: World) -> None:
    client.force_login(User.objects.create_user("guest"))
    track = telling.tracks["Maria Ruiz/First Light/Morning"]
    for address in (f"/tracks/{track.pk}", "/activity"):
        assert "anna" not in client.get(address).content.decode()


def test_a_stranger_gets_numbers_states_and_songs(client: Client, telling: World) -> None:
    seen = client.get("/status").json()
    known = {
        "at",
        "headline",
        "mood",
        "counters",
        "connected",
        "seconds_left",
        "storage",
        "services",
        "workers",
        "plan",
        "rest",
    }
    assert set(seen) == known | {"queue", "downloading", "failures", "runs"}
    assert seen["storage"] == {"state": "offline", "reason": "", "checked_at": None, "may_be_accepted": False}
    assert seen["headline"] == "Library offline"
    assert seen["failures"]["items"][0]["error_kind"] and "last_error" not in str(seen)
    assert 'tonekeep_tracks{status="missing"} 3' in client.get("/metrics").content.decode()
