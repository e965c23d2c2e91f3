"""The page of the bin shows what lies in it, and takes back without touching a file."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import BinnedFile, Collection, JobRequest
from downloads.file_moves.trash import process_trash_requests
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def binned(world: World) -> list[BinnedFile]:
    """All six songs of the sample, in the bin."""
    from catalog.tracks.wanted import set_wanted

    Collection.objects.update(removal="bin", enabled=False)
    set_wanted()
    assert process_trash_requests(world.now).binned == 6
    return list(BinnedFile.objects.order_by("pk"))


def test_the_page_shows_each_song_and_where_it_was(world, binned, admin_client: Client):
    one = next(row for row in binned if row.track.title == "Morning")  # they are made in any order
    BinnedFile.objects.filter(pk=one.pk).update(origin="<i>/a.mp3")
    shown = admin_client.get("/bin").content.decode()
    assert shown.count('class="path"') == 6
    assert "山田/海/01 波.mp3" in shown
    assert "&lt;i&gt;/a.mp3" in shown


def test_the_button_asks_and_the_next_pass_moves(world, binned, admin_client: Client):
    answer = admin_client.post("/bin/take-back", {"row": [binned[0].pk, "x", "9" * 30]}, follow=True)
    assert "1 file will be back" in answer.content.decode()
    assert "on its way back" in answer.content.decode()
    assert (world.root / binned[0].target).exists()
    assert JobRequest.objects.is_waiting("reconcile")
    assert process_trash_requests(world.now).returned == 1
    assert (world.root / binned[0].origin).exists()
    assert admin_client.get("/bin").content.decode().count('class="path"') == 5
    again = admin_client.post("/bin/take-back", {"row": binned[0].pk}, follow=True)
    assert "that was done already" in again.content.decode()


def test_strangers_see_nothing_and_take_nothing(world, binned, client: Client, settings):
    settings.STATUS_PUBLIC = True
    assert client.get("/bin").status_code == 302
    assert client.post("/bin/take-back", {"row": binned[0].pk}).status_code == 302
    assert BinnedFile.objects.filter(state="binned").count() == 6


def test_an_empty_bin_says_so(world, admin_client: Client):
    assert "The bin is empty." in admin_client.get("/bin").content.decode()
