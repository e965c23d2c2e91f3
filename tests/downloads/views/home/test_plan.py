"""The page of the plan: what it says in each phase, and what its buttons do."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from catalog.ingest import removal_policy
from catalog.ingest.collections import switch
from catalog.library.make_plan import accept_plan, make_plan
from catalog.models import AdoptionMatch, Collection, JobRequest, Run, Track
from catalog.models.settings import save_settings
from catalog.reports import plan
from catalog.storage import state as storage
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asks(settings: LazySettings) -> None:
    settings.CONFIRM_PLANS = True


def shown(client: Client, address: str = "/plan") -> str:
    return client.get(address, follow=True).content.decode()


def test_before_the_first_song_it_asks_where_the_library_comes_from(world: World, admin_client: Client) -> None:
    Track.objects.all().delete()
    assert "Where does your library come from?" in shown(admin_client)


def test_while_the_folder_is_looked_through_it_says_how_far(world: World, admin_client: Client) -> None:
    world.make_track()
    Run.objects.create(kind=Run.Kind.ADOPT, started_at=timezone.now(), done=1234)
    page = shown(admin_client)
    assert "1,234 files looked at" in page and "Start: download" not in page


def test_start_is_refused_before_the_folder_was_looked_through(world: World, admin_client: Client) -> None:
    world.make_track()
    answer = admin_client.post("/plan/accept", follow=True)
    assert "not made yet" in answer.content.decode()
    assert plan.reason_to_wait()


def test_it_shows_the_numbers_and_each_leads_to_its_rows(world: World, admin_client: Client) -> None:
    asked, fetch = world.make_track("Asked <b>"), world.make_track("Fetched")
    make_plan(timezone.now())
    AdoptionMatch.objects.create(track=asked, file="mine/a.mp3", size=1, why="another length")
    page = shown(admin_client)
    assert "8 songs. 6 are here already." in page and "Start: download 1 song" in page
    assert "Asked &lt;b&gt;" in page and "another length" in page
    for name, titles in (("here", 6), ("ask", [asked.title]), ("fetch", [fetch.title])):
        listed: Any = list(admin_client.get(f"/tracks?status=plan_{name}").context["rows"])
        assert len(listed) == titles if name == "here" else [row["title"] for row in listed] == titles


def test_doubts_are_answered_there_many_at_once(world: World, admin_client: Client) -> None:
    tracks = [world.make_track(f"Asked {number}") for number in range(3)]
    rows = [AdoptionMatch.objects.create(track=t, file=f"mine/{t.pk}.mp3", size=1, why="length") for t in tracks]
    make_plan(timezone.now())  # drops questions about files that are not there
    rows = [AdoptionMatch.objects.create(track=t, file=f"mine/{t.pk}.mp3", size=1, why="length") for t in tracks]
    answer = admin_client.post(
        "/adopt/answer", {"row": [row.pk for row in rows[:2]], "answer": "yes", "next": "/plan"}, follow=True
    )
    assert answer.redirect_chain[-1][0] == "/plan"
    assert "9 songs. 8 are here already." in answer.content.decode()


def test_start_accepts_what_was_seen_and_leads_home(world: World, admin_client: Client) -> None:
    world.make_track()
    make_plan(timezone.now())
    answer = admin_client.post("/plan/accept", {"up_to": plan.plan().up_to})
    assert answer.headers["Location"] == "/"
    assert plan.reason_to_wait() == ""
    assert "already" in admin_client.post("/plan/accept", follow=True).content.decode()


def test_every_page_says_that_the_plan_waits(world: World, admin_client: Client) -> None:
    world.make_track()
    storage.check(timezone.now())
    assert "The plan waits for you" in shown(admin_client, "/tracks")
    assert "until you have seen the plan" in shown(admin_client, "/")
    assert admin_client.get("/status").json()["plan"]["waits"] is True
    assert "The plan waits for you" in shown(admin_client, "/todo")


def test_look_again_asks_a_job(world: World, admin_client: Client) -> None:
    admin_client.post("/plan/look")
    assert JobRequest.objects.is_waiting("look")


def test_readers_see_no_plan(world: World, client: Client, settings: LazySettings) -> None:
    settings.STATUS_PUBLIC = True
    assert client.get("/plan").status_code == 302
    assert client.post("/plan/accept").status_code in (302, 403)


def test_many_files_that_would_leave_wait_for_a_button(world: World, admin_client: Client) -> None:
    accept_plan()
    save_settings({"PLAN_SONGS": "5"})
    Collection.objects.update(removal="bin")
    switch(Collection.objects.all(), on=False)
    removal_policy.switched_off()
    assert "6 files would go to the bin" in shown(admin_client)
    admin_client.post("/plan/bin")
    assert plan.to_let_go() == 0 and JobRequest.objects.is_waiting("reconcile")
