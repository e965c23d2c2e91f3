"""What the status says: its numbers add up, its head line is true, and it looks at no file."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.db.snapshot_read import snapshot_read
from catalog.models import Account, Cluster, Event, Host, Library, Run, Service, Timing, Track
from catalog.reports import status
from catalog.reports.metrics import exposition, work_done
from catalog.storage import hold
from catalog.tracks import transitions
from catalog.tracks.place import Place
from downloads.failures.kinds import DownloadError
from tests.world import World


@pytest.fixture
def live(world: World) -> World:
    """The sample world with a folder that was looked at and workers that report."""
    Service.objects.update_or_create(name="storage", defaults={"state": "online", "checked_at": world.now})
    for name in ("tonekeep", "downloads"):
        Cluster.objects.create(host="nas", queue=name, started_at=world.now, beat_at=world.now)
    return world


def test_several_hosts_are_named_with_what_they_fetch(live: World, settings: LazySettings) -> None:
    assert status.snapshot(live.now)["hosts"] == []
    Cluster.objects.create(host="garage", queue="downloads", started_at=live.now - timedelta(minutes=9))
    for name in ("nas", "garage"):
        Host.objects.create(name=name)
    settings.HOST_NAME = "nas"
    assert transitions.claim_one(live.make_track("Busy").pk, live.now)
    hosts = {host["name"]: host for host in status.snapshot(live.now)["hosts"]}
    assert (hosts["nas"]["fetching"], hosts["nas"]["silent"]) == (1, False)
    assert (hosts["garage"]["fetching"], hosts["garage"]["silent_since"]) == (0, live.now - timedelta(minutes=9))
    assert status.workers_state(live.now) == "running", "nas serves the queue"


def fail(world: World, track: Track, message: str, kind: str = "no_match", minutes: int = 5) -> None:
    """The track is claimed and fails now; it cools down for ``minutes``."""
    claimed = transitions.claim_one(track.pk, world.now)
    assert claimed and claimed.claim
    assert transitions.fail(track.pk, claimed.claim, kind, message, world.now + timedelta(minutes=minutes), world.now)


def test_the_counters_add_up_and_the_queue_is_the_missing_ones(live: World) -> None:
    due, cooling, busy = (live.make_track(title) for title in ("Due", "Cooling", "Busy"))
    live.make_track("Not mine", wanted=False)
    fail(live, cooling, "No recording fits.")
    transitions.claim_one(busy.pk, live.now)
    seen = status.snapshot(live.now)
    assert seen["counters"] == {
        "missing": 2,
        "downloading": 1,
        "downloaded": 6,
        "songs": 9,
        "artists": 3,
        "albums": 4,
    }
    assert (seen["queue"]["ready"], seen["queue"]["cooling"]) == (1, 1)
    assert [track["id"] for track in seen["queue"]["items"]] == [due.pk]
    assert [track["id"] for track in seen["downloading"]] == [busy.pk]
    assert [(track["id"], track["last_error"]) for track in seen["failures"]["items"]] == [
        (cooling.pk, "No recording fits.")
    ]


def test_the_queue_shows_its_first_fifty(live: World) -> None:
    for number in range(53):
        live.make_track(f"Song {number}")
    queue = status.snapshot(live.now)["queue"]
    assert queue["ready"] == 53
    assert [item["title"] for item in queue["items"]] == [f"Song {number}" for number in range(50)]


def test_a_failure_that_has_healed_is_no_failure(live: World) -> None:
    first, second = live.make_track("First"), live.make_track("Second")
    fail(live, first, "The connection failed.", "network")
    live.later(minutes=10)
    fail(live, second, "The recording was taken down.", "removed")
    latest = status.snapshot(live.now)["failures"]["items"]
    assert [item["title"] for item in latest] == ["Second", "First"]
    transitions.adopt(first.pk, Place.of(str(live.root), "a.mp3"), 10, live.now)
    assert [item["title"] for item in status.snapshot(live.now)["failures"]["items"]] == ["Second"]


def test_a_long_queue_asks_no_more_questions_than_a_short_one_and_no_answer_writes(live: World) -> None:
    Library.objects.all().delete()
    asked = []
    for songs in (1, 30):
        for number in range(songs):
            live.make_track(f"Due {songs} {number}")
            fail(live, live.make_track(f"Failed {songs} {number}"), "No recording fits.")
        with CaptureQueriesContext(connection) as queries:
            seen = status.snapshot(live.now)
        asked.append([query["sql"] for query in queries])
    assert len(seen["queue"]["items"]) == 31 and len(seen["failures"]["items"]) == status.FAILURES
    assert len(asked[0]) == len(asked[1]) <= 19
    assert not [sql for sql in asked[1] if sql.startswith(("INSERT", "UPDATE"))]
    assert seen["queue"]["next_due"] == live.now + timedelta(minutes=5)


# --- The head line ----------------------------------------------------------------------------------------


def test_an_empty_catalog_says_what_to_do_next(db: None, world: World) -> None:
    Track.objects.all().delete()
    assert status.snapshot(world.now)["headline"] == "Nothing is here yet: connect Spotify, or import a file"


def test_a_connected_account_is_not_told_to_connect_while_spotify_is_away(world: World) -> None:
    Track.objects.all().delete()
    Account.objects.create(user_id="anna")
    assert status.snapshot(world.now)["headline"] == "Nothing is here yet: the next sync reads your library"

    Service.objects.pause("spotify", world.now + timedelta(hours=1), "Spotify does not answer.")
    said = status.snapshot(world.now)["headline"]
    assert said == "Nothing is here yet: Spotify is asked again in 60 min. Spotify does not answer."


def test_all_songs_are_here(live: World) -> None:
    assert status.snapshot(live.now)["headline"] == "All 6 songs are here"


def test_missing_songs_are_fetched_and_the_pace_says_how_long(live: World) -> None:
    for number in range(4):
        live.make_track(f"Song {number}")
    assert status.snapshot(live.now)["headline"] == "4 missing: downloading"
    here = Track.objects.downloaded().first()
    assert here
    for minutes in (90, 60, 30):
        Event.objects.create(track=here, kind="finish", at=live.now - timedelta(minutes=minutes / 3))
    # Three songs in the last 30 minutes: four take 40.
    assert status.snapshot(live.now)["headline"] == "4 missing: downloading, about 40 min"


def test_a_library_that_is_offline_is_the_first_thing_said(live: World) -> None:
    live.make_track()
    Service.objects.filter(name="storage").update(state="offline", reason="The music folder /m is not there.")
    seen = status.snapshot(live.now)
    assert seen["headline"] == "Library offline: the music folder /m is not there"
    assert seen["storage"]["state"] == "offline"


def test_a_hold_waits_for_a_word(live: World) -> None:
    live.make_track()
    hold.begin(400, 412, live.now)
    seen = status.snapshot(live.now)
    assert seen["headline"] == "1 missing: downloads wait for you"
    assert seen["storage"]["state"] == "held"
    assert "400 of 412" in seen["storage"]["reason"]


def test_a_pause_says_who_or_until_when(live: World) -> None:
    live.make_track()
    Service.objects.pause("audio", live.now + timedelta(hours=6), "The site asks us to slow down.", now=live.now)
    assert status.snapshot(live.now)["headline"] == "1 missing: downloads resume in 6 h. The site asks us to slow down."
    Service.objects.pause_by_person("audio")
    assert status.snapshot(live.now)["headline"] == "1 missing: downloads are paused"
    Service.objects.go_on("audio")
    assert status.snapshot(live.now)["headline"] == "1 missing: downloading"


def test_spotify_may_rest_while_songs_are_fetched(live: World) -> None:
    live.make_track()
    Service.objects.pause("spotify", live.now + timedelta(hours=6), "Too many requests.", now=live.now)
    assert status.snapshot(live.now)["headline"] == "1 missing: downloading"


def test_songs_that_cool_down_say_when_they_are_tried(live: World) -> None:
    fail(live, live.make_track(), "No recording fits.", minutes=30)
    assert status.snapshot(live.now)["headline"] == "1 missing: next try in 30 min"


def test_silent_workers_are_noticed_after_three_minutes(live: World) -> None:
    live.make_track()
    assert status.snapshot(live.now + timedelta(minutes=2, seconds=59))["workers"]["state"] == "running"
    late = status.snapshot(live.now + timedelta(minutes=3, seconds=1))
    assert late["workers"]["state"] == "silent"
    assert late["workers"]["silent_since"] == live.now
    assert late["headline"] == "1 missing: no worker is running"
    Cluster.objects.all().delete()
    assert status.snapshot(live.now)["workers"]["state"] == "none"


def test_a_run_without_an_end_is_running_only_as_long_as_jobs_may_run(live: World) -> None:
    Run.objects.create(kind="reconcile", started_at=live.now, done=3, total=10)
    run = status.snapshot(live.now + timedelta(minutes=1))["runs"]["reconcile"]
    assert run["running"] and (run["done"], run["total"]) == (3, 10)
    assert not status.snapshot(live.now + timedelta(hours=7))["runs"]["reconcile"]["running"]
    assert status.snapshot(live.now)["runs"]["sync"] is None


# --- One moment, no disk, no secret -----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_all_reads_of_one_answer_see_one_moment() -> None:
    """A track that another process adds between two reads is in neither of them, and the writer need not wait."""

    def add_one() -> None:
        Track.objects.create(title="Late", identity="late", wanted=True)
        connection.close()

    with snapshot_read():
        before = Track.objects.count()
        writer = threading.Thread(target=add_one)
        writer.start()
        writer.join(10)
        assert not writer.is_alive()
        assert Track.objects.count() == before == 0
    assert Track.objects.count() == 1


def test_no_file_is_looked_at(live: World, settings: object) -> None:
    live.make_track()
    before = status.snapshot(live.now)
    live.root.rename(live.root.with_name("gone"))
    assert status.snapshot(live.now) == before


def test_no_token_is_ever_in_the_answer(live: World) -> None:
    Account.objects.create(user_id="anna", name="Anna", token="sealed-refresh-token")
    out = StringIO()
    call_command("status", "--json", stdout=out)
    assert "sealed-refresh-token" not in out.getvalue()
    assert json.loads(out.getvalue())["connected"] is True


# --- The command ------------------------------------------------------------------------------------------


def test_the_command_prints_one_line_of_json_or_lines_for_people(live: World) -> None:
    live.make_track("波の音", "山田")
    out = StringIO()
    call_command("status", "--json", stdout=out)
    assert out.getvalue().count("\n") == 1
    assert json.loads(out.getvalue())["counters"]["missing"] == 1
    Service.objects.pause_by_person("audio")
    text = StringIO()
    call_command("status", stdout=text)
    assert text.getvalue().splitlines()[0] == "1 missing: downloads are paused"
    assert "missing 1  downloading 0  downloaded 6  songs 7" in text.getvalue()
    assert "audio: paused" in text.getvalue()


def test_metrics_say_the_same_numbers(live: World) -> None:
    live.make_track(retry_after=live.now - timedelta(minutes=1))
    fail(live, live.make_track("Lost"), "Nothing found.")
    Library.objects.update(free_bytes=5_000)
    for _ in range(2):
        with Timing.objects.measured("fetch"):
            pass
    with suppress(DownloadError), Timing.objects.measured("search"):
        raise DownloadError("network", "It failed.")
    Timing.objects.create(step="fetch", result="ok", up_to=5_000, count=3, milliseconds=9_000)
    now = live.now + timedelta(seconds=1.5)
    lines = exposition(status.snapshot(now), work_done(now)).splitlines()
    for line in (
        'tonekeep_tracks{status="missing"} 2.0',
        'tonekeep_tracks{status="downloaded"} 6.0',
        'tonekeep_queue{state="ready"} 1.0',
        "tonekeep_queue_age_seconds 61.5",
        'tonekeep_failed{kind="no_match"} 1.0',
        'tonekeep_service_paused{service="audio"} 0.0',
        'tonekeep_service_state{service="storage",state="online"} 1.0',
        "tonekeep_storage_online 1.0",
        "tonekeep_storage_free_bytes 5000.0",
        'tonekeep_worker_silent_seconds{cluster="downloads"} 1.5',
        'tonekeep_fetch_seconds_bucket{le="0.5",result="ok"} 2.0',
        'tonekeep_fetch_seconds_bucket{le="2.0",result="ok"} 2.0',
        'tonekeep_fetch_seconds_bucket{le="5.0",result="ok"} 5.0',
        'tonekeep_fetch_seconds_count{result="ok"} 5.0',
        'tonekeep_fetch_seconds_sum{result="ok"} 9.0',
        'tonekeep_search_seconds_count{result="network"} 1.0',
    ):
        assert line in lines, line
