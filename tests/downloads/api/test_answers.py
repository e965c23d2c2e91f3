"""The API says what the pages say, in pages that follow each other, and costs a 304 where nothing changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.models import Event, Library, Run, Service, Track
from catalog.tracks import transitions
from downloads.models import Candidate
from tests.world import World


def test_the_status_is_that_of_the_page(reader: Client, world: World) -> None:
    answer = reader.get("/api/v1/status").json()
    assert answer["counters"] == Track.objects.counts() and answer["storage"]["state"]
    assert "root" not in answer["storage"]


def test_an_unchanged_answer_costs_a_304_without_a_body(reader: Client, world: World) -> None:
    first = reader.get("/api/v1/status")
    again = reader.get("/api/v1/status", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    world.make_track("New")
    assert reader.get("/api/v1/status", headers={"if-none-match": first["ETag"]}).status_code == 200


def test_the_songs_come_page_by_page_each_once(reader: Client, world: World) -> None:
    for number in range(205):
        world.make_track(f"Song {number}")
    ids: list[int] = []
    after = ""
    while answer := reader.get("/api/v1/tracks", {"after": after}).json():
        ids += [song["id"] for song in answer["items"]]
        if not (after := answer["after"]):
            break
    assert ids == sorted(Track.objects.wanted().values_list("pk", flat=True))


def test_a_song_is_told_with_its_history_and_with_its_path_only_to_who_may_act(
    reader: Client, program: Callable[..., Client], world: World
) -> None:
    track = Track.objects.downloaded().first()
    address = f"/api/v1/tracks/{track.pk}"
    Event.objects.create(track=track, at=world.now, kind="finish", reason="")
    assert program("read", User.objects.create_user("listener")).get(address).json()["local_path"] == ""
    song = reader.get(address).json()
    assert song["local_path"] == track.local_path and song["events"][0]["kind"] == "finish"
    assert song["last_seen"] and song["collections"] == [world.collection.name]


@pytest.mark.parametrize("address", ["/api/v1/tracks/999999", "/api/v1/tracks/0", "/api/v1/tracks/x"])
def test_what_is_not_there_is_said_as_a_problem(reader: Client, world: World, address: str) -> None:
    answer = reader.get(address)
    assert answer.status_code in (404, 422) and answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail"}


def test_events_are_read_on_from_where_one_stopped(reader: Client, world: World) -> None:
    track = Track.objects.first()
    for number in range(3):
        Event.objects.create(track=track, at=world.now + timedelta(seconds=number), kind="retry", reason=str(number))
    first = reader.get("/api/v1/events").json()
    assert [event["reason"] for event in first["items"]] == ["0", "1", "2"]
    assert reader.get("/api/v1/events", {"after": first["after"]}).json() == {"items": [], "after": first["after"]}


def test_the_collections_ledger_adds_up(reader: Client, world: World) -> None:
    (row,) = reader.get("/api/v1/collections").json()["items"]
    assert row["tracks"] == row["here"] == 6


@pytest.mark.parametrize(("action", "column"), [("ignore", "ignored"), ("want", "wanted")])
def test_the_buttons_of_a_song(actor: Client, world: World, action: str, column: str) -> None:
    track = Track.objects.first()
    if action == "want":
        actor.post(f"/api/v1/tracks/{track.pk}/ignore")
    assert actor.post(f"/api/v1/tracks/{track.pk}/{action}").json() == {"changed": 1}
    assert getattr(Track.objects.get(pk=track.pk), column)
    assert Event.objects.filter(track=track, kind=action, by="owner").exists()
    assert actor.post(f"/api/v1/tracks/{track.pk}/{action}").json() == {"changed": 0}


def test_a_failed_song_is_tried_again(actor: Client, world: World) -> None:
    track = world.make_track("Nocturne", retry_after=world.now + timedelta(days=1))
    claimed = transitions.claim_one(track.pk, world.now + timedelta(days=1))
    transitions.fail(
        track.pk, claimed.claim, "network", "down", world.now + timedelta(days=9), world.now + timedelta(days=1)
    )
    assert actor.post(f"/api/v1/tracks/{track.pk}/retry").json() == {"changed": 1}
    assert Track.objects.get(pk=track.pk).attempts == 0


def test_fetching_is_paused_and_resumed(actor: Client, world: World) -> None:
    assert actor.post("/api/v1/pause").json() == {"requested": "pause"}
    assert Service.objects.get(name="audio").paused_by_person
    actor.post("/api/v1/resume")
    assert not Service.objects.get(name="audio").paused_by_person


def test_the_description_names_every_address_and_is_open_to_everybody(world: World) -> None:
    description = json.loads(Client().get("/api/v1/openapi.json").content)
    assert {"/api/v1/status", "/api/v1/tracks/{track_id}", "/api/v1/resume"} <= set(description["paths"])


def test_the_page_that_documents_it_asks_no_other_host(client: Client, world: World, settings) -> None:
    settings.STATUS_PUBLIC = True
    page = client.get("/api/v1/docs").content.decode()
    assert "swagger" in page and "//cdn" not in page and "https://" not in page
    files = set(re.findall(r"/static/(ninja/[^?\"]+)\?", page))
    assert len(files) == 5 and all(finders.find(file) for file in files), files


@pytest.mark.parametrize(("answer", "verdict"), [("take", "chosen"), ("never", "never"), ("take-back", "")])
def test_a_recording_is_decided_about(actor: Client, world: World, answer: str, verdict: str) -> None:
    song = world.make_track("Nocturne")
    row = Candidate.objects.create(
        track=song, source="youtube", source_id="x" * 11, url="", title="Nocturne", found_at=world.now, artists=["A"],
        verdict="never" if answer == "take-back" else "",
    )  # fmt: skip
    assert actor.post(f"/api/v1/candidates/{row.pk}/{answer}").status_code == 200
    assert Candidate.objects.get().verdict == verdict


def test_an_address_is_taken_for_a_song_or_refused_as_a_problem(actor: Client, world: World) -> None:
    song = world.make_track("Nocturne")
    address = f"/api/v1/tracks/{song.pk}/address"
    refused = actor.post(address, {"address": "https://evil.example/x"}, content_type="application/json")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json"), refused.content
    actor.post(address, {"address": "https://youtu.be/abcdefghijk"}, content_type="application/json")
    assert Candidate.objects.get().source_id == "abcdefghijk"


def test_the_plan_is_read_and_accepted_up_to_the_song_that_was_seen(actor: Client, world: World) -> None:
    world.make_track("New")
    seen = actor.get("/api/v1/plan").json()
    assert seen["here"] + seen["ask"] + seen["fetch"] > 0
    assert actor.post(f"/api/v1/plan/accept?up_to={seen['up_to']}").status_code == 409  # nobody has looked yet
    Run.objects.create(
        kind=Run.Kind.ADOPT, started_at=world.now, ended_at=world.now, ok=True, report={"up_to": seen["up_to"]}
    )
    later = world.make_track("Later")
    Run.objects.update(report={"up_to": later.pk})
    assert actor.post(f"/api/v1/plan/accept?up_to={seen['up_to']}").status_code == 200
    assert Library.objects.get().accepted_up_to == seen["up_to"] < later.pk


def test_an_export_is_imported_by_a_job_and_a_file_that_is_none_is_refused(actor: Client, world: World) -> None:
    export = SimpleUploadedFile("songs.csv", b"Track Name,Artist Name(s)\nNocturne,Maria Ruiz\n")
    assert actor.post("/api/v1/import", {"file": export}).json() == {"requested": "import"}
    assert Run.objects.get(kind=Run.Kind.IMPORT).total == 1
    assert actor.post("/api/v1/import", {"file": SimpleUploadedFile("x.zip", b"PK rubbish")}).status_code == 400


def test_an_export_is_imported_at_once_where_this_host_runs_no_jobs(actor: Client, settings: Any) -> None:
    settings.ROLES = frozenset({"web"})
    export = SimpleUploadedFile("liked.csv", b"Track Name,Artist Name(s)\nUnheard,Nobody Known\n")
    assert actor.post("/api/v1/import", {"file": export}).status_code == 200
    assert Track.objects.filter(title="Unheard").exists()
    assert not Run.objects.filter(kind="import").exists()
