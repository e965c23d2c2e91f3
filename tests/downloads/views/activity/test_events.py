"""Activity, failures by reason and the To do page; the frame that stands around all of them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from catalog.models import AdoptionMatch, Event, Run, Service, Track
from catalog.web.keyset_pages import asked_page
from downloads.views.activity.events import FILTERS, MARKS, RUN_LABELS
from tests.world import World


@pytest.fixture
def keeper(client: Client, world: World) -> Client:
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    Service.objects.filter(name="storage").update(checked_at=timezone.now())
    return client


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def failed(world: World, title: str, kind: str) -> Track:
    later = timezone.now() + timedelta(hours=5)
    return world.make_track(title, error_kind=kind, last_error="It failed.", attempts=1, retry_after=later)


def test_neighbours_of_one_kind_are_told_together_newest_first(keeper: Client, world: World) -> None:
    now = timezone.now()
    tracks = list(world.tracks.values())
    for number, track in enumerate(tracks):
        Event.objects.create(track=track, kind="finish", at=now - timedelta(seconds=number))
    Event.objects.create(track=tracks[0], kind="move", at=now + timedelta(seconds=1))
    text = text_of(keeper, "/activity")
    assert text.index("file moved") < text.index("<b>6 songs</b> arrived")


@pytest.mark.parametrize("kind", Event.Kind.values)
def test_each_kind_of_event_has_a_mark_and_words_for_several(keeper: Client, world: World, kind: str) -> None:
    for track in list(world.tracks.values())[:2]:
        Event.objects.create(track=track, kind=kind, at=timezone.now())
    outcome = MARKS[Event.Kind(kind)][2]
    assert outcome and f"<b>2 songs</b> {outcome}" in text_of(keeper, "/activity")
    assert any(Event.Kind(kind) in kinds for _, kinds in FILTERS.values())


def test_the_last_runs_are_named_in_words(keeper: Client, world: World) -> None:
    for kind, label in RUN_LABELS.items():
        Run.objects.all().delete()
        Run.objects.create(kind=kind, started_at=timezone.now(), ok=True)
        assert f"<b>{label}</b>" in text_of(keeper, "/activity")


@pytest.mark.parametrize(("kind", "shown"), [("arrived", "finish"), ("failed", "fail"), ("people", "ignore")])
def test_activity_is_filtered_by_what_happened(keeper: Client, world: World, kind: str, shown: str) -> None:
    for number, each in enumerate(("finish", "fail", "ignore", "move")):
        track = list(world.tracks.values())[number]
        Event.objects.create(track=track, kind=each, at=timezone.now(), reason=f"because of {each}")
    text = text_of(keeper, f"/activity?kind={kind}")
    assert f"because of {shown}" in text and text.count("because of") == 1


def test_files_of_several_kinds_are_listed_in_one_order_however_much_has_arrived_since(
    keeper: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked_page, "__defaults__", (4,))
    now, track = timezone.now(), next(iter(world.tracks.values()))
    kinds = ("move", "vanish", "restore")
    for number in range(9):
        at = now - timedelta(minutes=number)
        Event.objects.create(track=track, kind=kinds[number % 3], at=at, reason=f"because of {number}.")
    arrivals = [Event(track=track, kind="finish", at=now) for _ in range(50)]
    Event.objects.bulk_create(arrivals)
    address, seen = "/activity?kind=files", ""
    while address:
        text = text_of(keeper, address)
        seen += "".join(re.findall(r"because of (\d)\.", text))
        onward = re.search(r'rel="next" href="(\?[^"]*)"', text)
        address = f"/activity{onward[1].replace('&amp;', '&')}" if onward else ""
    assert seen == "012345678"


def test_failures_are_grouped_by_reason_with_number_cure_and_next_try(keeper: Client, world: World) -> None:
    for number in range(3):
        failed(world, f"Song {number}", "network")
    failed(world, "Other", "no_match")
    text = text_of(keeper, "/failures")
    assert text.index("3 songs") < text.index("1 song</a>")
    for words in ("The connection failed.", "Check the network", "next try", "Try 3 again", "Choose for these"):
        assert words in text, words


def test_only_what_a_person_must_settle_is_to_do(keeper: Client, world: World) -> None:
    failed(world, "Asks", "needs_decision")
    failed(world, "Looks after itself", "no_match")
    AdoptionMatch.objects.create(track=world.make_track("Maybe here"), file="a.mp3", size=1, why="Longer.")
    text = text_of(keeper, "/todo")
    assert '<b class="count">2</b>' in text
    assert "1 song</a> to choose a recording for" in text and "1 file</a> that may be" in text
    assert "1 song</a> no source has" in text


def test_nothing_to_do_is_said(keeper: Client) -> None:
    text = text_of(keeper, "/todo")
    assert "Nothing to do" in text and "<span>To do</span><b" not in text


@pytest.mark.parametrize("address", ["/", "/queue", "/tracks", "/albums", "/todo", "/activity", "/settings", "/bin"])
def test_the_banner_stands_on_every_page_and_songs_agree_with_it(keeper: Client, world: World, address: str) -> None:
    world.make_track("Next", retry_after=timezone.now() - timedelta(minutes=1))
    Service.objects.pause_by_person("audio")
    text = text_of(keeper, address)
    assert "Downloads are paused" in text and "Resume downloads" in text
    if address in ("/", "/queue", "/tracks"):
        assert "as soon as downloads resume" in text


def test_a_reader_sees_the_banner_without_its_button_and_three_places(
    client: Client, world: World, settings: LazySettings
) -> None:
    settings.STATUS_PUBLIC = True
    Service.objects.pause_by_person("audio")
    text = text_of(client, "/")
    assert "Downloads are paused" in text and "Resume downloads" not in text
    assert 'href="/settings"' not in text and 'href="/activity"' in text


def test_the_theme_is_kept_in_a_cookie(keeper: Client) -> None:
    keeper.post("/theme", {"theme": "dark"})
    assert '<html lang="en" data-theme="dark">' in text_of(keeper, "/")
    keeper.post("/theme", {"theme": "<script>"})
    assert '<html lang="en">' in text_of(keeper, "/")


def test_an_unchanged_page_is_answered_with_304(keeper: Client, world: World) -> None:
    first = keeper.get("/settings")
    again = keeper.get("/settings", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and again.content == b""
    Service.objects.pause_by_person("audio")
    assert keeper.get("/settings", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_pages_travel_compressed_and_audio_does_not(keeper: Client, world: World) -> None:
    headers = {"Accept-Encoding": "gzip"}
    assert keeper.get("/", headers=headers)["Content-Encoding"] == "gzip"
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    assert "Content-Encoding" not in keeper.get(f"/decide/{track.pk}/sound", headers=headers).headers


def test_static_files_are_kept_for_a_year_by_hashed_addresses(keeper: Client) -> None:
    page = text_of(keeper, "/")
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "?v=" in address and "max-age=31536000" in keeper.get(address)["Cache-Control"]
