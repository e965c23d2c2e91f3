"""No page is heavier than 60 KB, covers apart: a full list of a hundred songs with long reasons too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from catalog.models import Event
from tests.world import World

MOST = 60_000  # bytes as sent: compressed, with style sheet, script and icons
PAGES = ("/", "/tracks?status=missing", "/albums", "/activity", "/queue", "/failures", "/todo", "/settings", "/health")


@pytest.fixture
def full(world: World) -> World:
    """130 songs that failed, each on an album of its own."""
    now = timezone.now()
    for number in range(130):
        song = world.make_track(
            f"A title of an ordinary length {number}", artist=f"Somebody {number}", album=f"An album {number}",
            error_kind="network", last_error=f"The connection to the site failed after {number} s.", attempts=3,
            retry_after=now + timedelta(hours=number),
        )  # fmt: skip
        Event.objects.create(track=song, kind=Event.Kind.FAIL, at=now, reason=song.last_error)
    return world


def sent(client: Client, address: str) -> int:
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200 and answer["Content-Encoding"] == "gzip"
    return len(answer.content)


def test_no_page_is_heavier_than_60_kilobytes_without_its_covers(client: Client, full: World) -> None:
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    files = 0
    for name in ("tonekeep.css", "tonekeep.js", "icons.svg", "favicon.svg"):
        path = finders.find(name)
        assert isinstance(path, str)
        with open(path, "rb") as file:
            files += len(file.read())
    assert {page: weight for page in PAGES if (weight := sent(client, page) + files) > MOST} == {}
