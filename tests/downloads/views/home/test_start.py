"""The first start in the browser: each step says what is so, leads on, and is there until the plan is accepted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from catalog.library.make_plan import accept_plan, make_plan
from catalog.reports import music_folder as module
from catalog.storage import state as storage
from catalog.system.mount_table import Mount
from catalog.web import setup_link
from downloads.jobs import maintenance
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asks(settings: LazySettings) -> None:
    settings.CONFIRM_PLANS = True


def test_the_one_time_link_leads_to_the_music_folder(client: Client, world: World) -> None:
    token = setup_link.offer(datetime.now(UTC))
    chosen = {"username": "kim", "password1": "a long enough one", "password2": "a long enough one"}
    page = client.post(f"/setup/{token}", chosen, follow=True)
    assert page.redirect_chain[-1][0] == "/start"
    assert "Your music folder" in page.content.decode()


def test_it_says_state_room_and_what_lies_in_the_folder(admin_client: Client, world: World) -> None:
    storage.check(timezone.now())
    assert "not looked through yet" in admin_client.get("/start").content.decode()
    make_plan(timezone.now())
    page = admin_client.get("/start").content.decode()
    assert "6 audio files" in page and "may be written to" in page and str(world.root) in page


def test_a_mistyped_folder_is_said_without_a_song(admin_client: Client, world: World) -> None:
    world.root.rename(world.root.with_name("elsewhere"))
    storage.check(timezone.now())
    page = admin_client.get("/start").content.decode()
    assert "is not there" in page
    assert "Music folder missing" in page  # the red banner


def test_the_steps_go_once_the_plan_is_accepted(admin_client: Client, world: World) -> None:
    for address in ("/start", "/plan", "/connect", "/import"):
        assert 'class="steps"' in admin_client.get(address).content.decode(), address
    accept_plan()
    assert 'class="steps"' not in admin_client.get("/connect").content.decode()


@pytest.mark.parametrize(
    ("filesystem", "words"),
    [("exfat", "Upper and lower case are one"), ("tmpfs", "lies in memory"), ("overlay", "lies in the container")],
)
def test_what_the_file_system_means_is_said(
    admin_client: Client, world: World, monkeypatch: pytest.MonkeyPatch, filesystem: str, words: str
) -> None:
    mounts = [Mount(1, 1, "/", "ext4"), Mount(2, 2, str(world.root.parent), filesystem)]
    monkeypatch.setattr(module.mount_table, "parse", lambda lines: mounts)
    assert words in admin_client.get("/start").content.decode()


def test_an_owner_chooses_another_folder_and_reads_why_not(
    admin_client: Client, world: World, settings: LazySettings
) -> None:
    settings.MUSIC_DIR_FIXED, settings.MUSIC_DIR_FILE = False, settings.DATA_DIR / "music_dir"
    page = admin_client.post("/start/folder", {"folder": "/no/such <folder>"}, follow=True).content.decode()
    assert "is being looked at" in page
    assert "looked at already" in admin_client.post("/start/folder", {"folder": "/x"}, follow=True).content.decode()
    maintenance.maintain()
    page = admin_client.get("/start").content.decode()
    assert "/no/such &lt;folder&gt; is not there. Nothing was changed." in page and "Use this folder" in page


def test_a_chosen_folder_is_said_until_the_start_that_takes_it(
    admin_client: Client, world: World, settings: LazySettings
) -> None:
    settings.MUSIC_DIR_FIXED, settings.MUSIC_DIR_FILE = False, settings.DATA_DIR / "music_dir"
    moved = world.root.with_name("moved")
    world.root.rename(moved)
    admin_client.post("/start/folder", {"folder": str(moved)})
    maintenance.maintain()
    assert f"starts anew with {moved}" in admin_client.get("/start").content.decode()
    settings.MUSIC_DIR = str(moved)
    page = admin_client.get("/start").content.decode()
    assert "starts anew" not in page and str(moved) in page


def test_a_keeper_sees_the_folder_and_chooses_none(keeper: Client, world: World) -> None:
    page = keeper.get("/start").content.decode()
    assert str(world.root) in page and "/start/folder" not in page
    assert keeper.post("/start/folder", {"folder": "/x"}).status_code == 403


def test_the_page_is_for_those_who_run_the_installation(client: Client, world: World, settings: LazySettings) -> None:
    settings.STATUS_PUBLIC = True
    assert client.get("/start").status_code == 302
