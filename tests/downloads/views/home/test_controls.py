"""The queue as page and JSON, and the buttons: who may press them, what they change, and that workers are woken."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from catalog.db import database_clock
from catalog.models import Cluster, Event, Host, JobRequest, Library, Run, Service, Track
from catalog.storage import hold
from catalog.storage import state as storage
from catalog.tracks import transitions
from downloads.jobs import backlog
from tests.world import ROOT_UUID, World

BUTTONS = [
    "/tracks/{pk}/retry",
    "/tracks/{pk}/ignore",
    "/tracks/{pk}/want",
    "/failed/retry",
    "/fetching/pause",
    "/services/audio/go-on",
    "/library/accept-missing",
    "/library/accept-root",
    "/sync/now",
    "/reconcile/now",
]


@pytest.fixture
def keeper(client: Client, world: World) -> Client:
    """Somebody who may press the buttons."""
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client


def failed(world: World, title: str = "Broken song", minutes: int = 600) -> Track:
    track = world.make_track(title)
    claimed = transitions.claim_one(track.pk, world.now)
    assert claimed and claimed.claim
    later = world.now + timedelta(minutes=minutes)
    assert transitions.fail(track.pk, claimed.claim, "removed", "The recording was taken down.", later, world.now)
    return track


def waiting() -> list[str]:
    """The jobs that were asked for, by their functions' names."""
    return [row.task["func"].rpartition(".")[2] for row in OrmQ.objects.all()]


# --- The queue --------------------------------------------------------------------------------------------


def test_the_queue_is_a_page_to_a_browser_and_json_by_accept(keeper: Client, world: World) -> None:
    world.make_track("Due song", retry_after=world.now - timedelta(days=1))
    browser = keeper.get("/queue", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert browser["Content-Type"].startswith("text/html") and b"Due song" in browser.content
    program = keeper.get("/queue", headers={"accept": "application/json"})
    assert program.json()["ready"] == 1
    assert [item["title"] for item in program.json()["items"]] == ["Due song"]


def test_the_whole_queue_can_be_paged_through_in_its_order(keeper: Client, world: World) -> None:
    made = [
        world.make_track(f"{number}", retry_after=world.now - timedelta(hours=3 + number % 7)) for number in range(120)
    ]
    wanted = [track.pk for track in sorted(made, key=lambda track: (track.retry_after, track.pk))]
    found: list[int] = []
    after = ""
    while True:
        answer = keeper.get("/queue", {"after": after}, headers={"accept": "application/json"}).json()
        found += [item["id"] for item in answer["items"]]
        if not (after := answer["after"]):
            break
    assert found == wanted


def test_what_cools_down_is_listed_apart(keeper: Client, world: World) -> None:
    cooling = failed(world)
    answer = keeper.get("/queue?view=cooling", headers={"accept": "application/json"}).json()
    assert (answer["ready"], answer["cooling"]) == (0, 1)
    assert [item["id"] for item in answer["items"]] == [cooling.pk]
    assert "The recording was taken down." in keeper.get("/queue?view=cooling").content.decode()


def test_a_stranger_gets_no_queue(client: Client, world: World) -> None:
    assert client.get("/queue", headers={"accept": "application/json"}).status_code == 401
    assert client.get("/queue").status_code == 302


# --- One track --------------------------------------------------------------------------------------------


def test_a_tracks_page_says_why_it_is_not_here_and_what_helps(keeper: Client, world: World) -> None:
    track = failed(world)
    text = keeper.get(f"/tracks/{track.pk}").content.decode()
    for said in (
        "The recording was taken down.",
        "Another recording is tried",
        "tried 1 time",
        "Sample",
        "Try again now",
    ):
        assert said in text, said


def test_a_downloaded_track_was_last_seen_by_the_last_pass(keeper: Client, world: World) -> None:
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    last_pass = world.now + timedelta(hours=5)
    Library.objects.update(last_pass=last_pass)
    text = keeper.get(f"/tracks/{track.pk}").content.decode()
    assert last_pass.isoformat() in text
    assert track.local_path in text


def test_a_track_that_is_not_there_is_a_sentence(keeper: Client) -> None:
    answer = keeper.get("/tracks/999999")
    assert answer.status_code == 404 and b"There is no page at this address" in answer.content


# --- Buttons ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("button", BUTTONS)
def test_a_button_is_only_for_staff_who_press_it(
    client: Client, world: World, settings: LazySettings, button: str
) -> None:
    settings.STATUS_PUBLIC = True
    track = failed(world)
    before = list(Track.objects.values()), list(Service.objects.values()), list(Library.objects.values())
    address = button.format(pk=track.pk)
    assert client.post(address).status_code == 302  # to the log-in page
    client.force_login(User.objects.create_user("guest", "", "secret"))
    assert client.post(address).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("anna", "", "secret"))
    assert strict.post(address).status_code == 403
    assert strict.get(address).status_code == 405
    assert (list(Track.objects.values()), list(Service.objects.values()), list(Library.objects.values())) == before
    assert waiting() == []


def test_try_again_now_makes_a_cooling_track_due_and_wakes_a_worker(keeper: Client, world: World) -> None:
    track = failed(world)
    assert not Track.objects.queue().filter(pk=track.pk).exists()
    keeper.post(f"/tracks/{track.pk}/retry")
    assert Track.objects.queue().filter(pk=track.pk).exists()
    assert Event.objects.filter(track=track, kind="retry", by="anna").exists()
    assert "download" in waiting()


def test_all_failures_can_be_tried_again_at_once(keeper: Client, world: World) -> None:
    tracks = [failed(world, f"Song {number}") for number in range(3)]
    answer = keeper.post("/failed/retry", follow=True)
    assert set(Track.objects.queue().values_list("pk", flat=True)) == {track.pk for track in tracks}
    assert "3 songs are tried again now." in answer.content.decode()


def test_ignore_and_want_again(keeper: Client, world: World) -> None:
    track = failed(world)
    keeper.post(f"/tracks/{track.pk}/ignore")
    assert not Track.objects.wanted().filter(pk=track.pk).exists()
    assert "Download again" in keeper.get(f"/tracks/{track.pk}").content.decode()
    keeper.post(f"/tracks/{track.pk}/want")
    assert Track.objects.wanted().filter(pk=track.pk).exists()


def test_pause_and_go_on(keeper: Client, world: World) -> None:
    world.make_track()
    keeper.post("/fetching/pause")
    assert Service.objects.named("audio").paused_by_person
    assert "Resume downloads" in keeper.get("/").content.decode()
    assert waiting() == []
    keeper.post("/services/audio/go-on")
    assert not Service.objects.named("audio").is_paused(world.now)
    assert "download" in waiting()


def test_the_click_after_a_mass_disappearance_ends_the_hold(keeper: Client, world: World) -> None:
    hold.begin(5, 6, world.now)
    keeper.post("/library/accept-missing")
    assert Library.load().held_since is None
    assert "download" in waiting()


def swapped_disk(world: World) -> Path:
    """Another disk stands where the music folder was. Its marker's path."""
    marker = world.root / ".tonekeep"
    marker.unlink()
    assert storage.check(world.now).state == "offline"
    return marker


def test_accepting_the_folder_is_a_jobs_work_and_the_page_says_so_meanwhile(keeper: Client, world: World) -> None:
    marker = swapped_disk(world)
    assert "Accept this folder" in keeper.get("/").content.decode()
    text = keeper.post("/library/accept-root", follow=True).content.decode()
    assert "The folder is being looked at." in text and "Accept this folder" not in text
    assert waiting() == ["handle_backlog"]
    assert not marker.exists() and storage.current().state == "offline"  # no page touches the disk
    backlog.handle_backlog()
    assert marker.exists() and storage.current().state == "online"
    text = keeper.get("/").content.decode()
    assert "The folder is being looked at." not in text and "Accept this folder" not in text


def test_a_folder_that_is_not_there_cannot_be_accepted(keeper: Client, world: World) -> None:
    world.root.rename(world.root.with_name("elsewhere"))
    storage.check(world.now)
    assert "Accept this folder" not in keeper.get("/").content.decode()
    keeper.post("/library/accept-root")
    backlog.handle_backlog()
    assert storage.current().state == "offline" and not world.root.exists()
    assert "The folder is being looked at." not in keeper.get("/").content.decode()


def test_an_open_page_looks_again_within_seconds_while_something_asked_for_is_under_way(
    keeper: Client, world: World
) -> None:
    def is_busy() -> bool:
        return b'id="live" data-busy="true"' in keeper.get("/").content

    storage.check(world.now)
    assert not is_busy()
    keeper.post("/reconcile/now")
    assert is_busy()
    JobRequest.objects.take_up("reconcile")
    run = Run.objects.create(kind=Run.Kind.RECONCILE, started_at=timezone.now())
    assert is_busy()
    Run.objects.filter(pk=run.pk).update(ended_at=world.now, ok=True)
    assert not is_busy()


def test_a_word_that_comes_after_the_disk_is_back_changes_nothing(keeper: Client, world: World) -> None:
    marker = swapped_disk(world)
    keeper.post("/library/accept-root")
    marker.write_text(f"{ROOT_UUID}\n")
    backlog.handle_backlog()
    assert Library.load().root_uuid == ROOT_UUID


@pytest.mark.parametrize("job", ["sync", "reconcile"])
def test_a_sync_or_a_look_at_the_folder_is_asked_for(keeper: Client, job: str) -> None:
    keeper.post(f"/{job}/now")
    assert waiting() == ["handle_backlog"]


@pytest.mark.parametrize(
    ("asked", "led"),
    [("/queue?view=cooling", "/queue?view=cooling"), ("https://elsewhere.example/", "/"), ("//elsewhere.example", "/")],
)
def test_a_button_leads_back_to_its_page_and_never_elsewhere(keeper: Client, asked: str, led: str) -> None:
    assert keeper.post("/fetching/pause", {"next": asked})["Location"] == led


def test_an_unknown_service_is_not_made_up(keeper: Client) -> None:
    keeper.post("/services/weather/go-on")
    assert not Service.objects.filter(name="weather").exists()


def test_every_form_carries_its_csrf_token(keeper: Client, world: World) -> None:
    track = failed(world)
    for path in ("/", "/queue?view=cooling", f"/tracks/{track.pk}"):
        forms = re.findall(r'<form[^>]*method="post".*?</form>', keeper.get(path).content.decode(), re.DOTALL)
        assert forms and all("csrfmiddlewaretoken" in form for form in forms)


# --- Hosts ------------------------------------------------------------------------------------------------


def test_a_host_is_drained_by_a_button_and_forgotten_once_it_is_gone(keeper: Client, world: World) -> None:
    now = database_clock.now()
    for name, heard in (("nas", now), ("garage", now - timedelta(minutes=9))):
        Host.objects.create(name=name)
        Cluster.objects.create(host=name, queue="downloads", started_at=heard)
    page = keeper.get("/", headers={"accept": "text/html"}).content.decode()
    assert "silent for 9" in page and "/hosts/garage/forget" in page and "/hosts/nas/drain" in page
    keeper.post("/hosts/nas/drain", {"drained": "yes"})
    assert Host.objects.get(name="nas").drained
    keeper.post("/hosts/nas/drain")
    assert not Host.objects.get(name="nas").drained
    keeper.post("/hosts/nas/forget")
    keeper.post("/hosts/garage/forget")
    assert [host.name for host in Host.objects.all()] == ["nas"], "one that reports stays"


def test_a_sync_that_spotify_refuses_now_is_not_promised_for_now(keeper: Client, world: World) -> None:
    Service.objects.pause("spotify", timezone.now() + timedelta(hours=20), "Asked too often.")
    page = keeper.post("/sync/now", follow=True).content.decode()
    assert "Spotify is paused: your library is read in 20 h." in page
    JobRequest.objects.all().delete()
    keeper.post("/services/spotify/go-on")
    assert JobRequest.objects.is_waiting("sync"), "the pause has ended: it is read now"
    assert "Reading your library at Spotify" in keeper.post("/sync/now", follow=True).content.decode()


@pytest.mark.parametrize(
    ("button", "said"), [("ignore", "It was stopped already."), ("want", "It is downloaded already")]
)
def test_a_button_pressed_twice_says_that_it_is_so_already(
    keeper: Client, world: World, button: str, said: str
) -> None:
    track = failed(world)
    for _ in range(2):
        page = keeper.post(f"/tracks/{track.pk}/{button}", follow=True).content.decode()
    assert said in page


def test_downloading_many_missing_files_again_asks_with_their_number(keeper: Client, world: World) -> None:
    hold.begin(101, 200, world.now)
    for number in range(101):
        world.make_track(f"Gone {number}")
    page = keeper.post("/library/accept-missing").content.decode()
    assert "Download 101 missing songs again?" in page and Library.current().held_since
    keeper.post("/library/accept-missing", {"confirmed": "yes"})
    assert not Library.current().held_since
