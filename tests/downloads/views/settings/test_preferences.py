"""Settings on a page: the environment wins, the page's value holds at once, bad ones are refused in its sentences."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.ingest.replace import replace_catalog
from catalog.models import Collection, Event, Library, Run, Setting, Track
from catalog.models.settings import SETTINGS, save_settings, value, written
from catalog.music.records import CollectionRecord
from catalog.reports import plan
from catalog.storage import state as storage
from catalog.text import setting_values
from config import settings as environment
from downloads.audio.probe import Probe
from downloads.audio.verify import require_quality
from downloads.failures.kinds import DownloadError
from downloads.fetch.url_allowlist import direct_files
from downloads.jobs import schedule
from downloads.search.archive import ArchiveSource
from downloads.search.sources import source
from downloads.worker import loop
from tests.world import World

pytestmark = pytest.mark.django_db


def test_what_is_saved_holds_at_once(world: World, admin_client: Client) -> None:
    answer = admin_client.post(
        "/settings/downloads", {"AUDIO_FORMAT": "opus", "YOUTUBE_PER_HOUR": "60", "find_moved": "on"}, follow=True
    )
    assert "Saved." in answer.content.decode()
    assert (value("AUDIO_FORMAT"), value("YOUTUBE_PER_HOUR")) == ("opus", 60)
    assert source("youtube").rate_limit.gap == timedelta(seconds=60)
    library = Library.load()
    assert library.find_moved and not library.write_playlists


def test_the_environment_wins_and_the_page_says_so(world: World, admin_client: Client, settings: LazySettings) -> None:
    settings.SET_BY_ENVIRONMENT = frozenset({"AUDIO_FORMAT"})
    settings.AUDIO_FORMAT = "mp3"
    Setting.objects.create(name="AUDIO_FORMAT", value="opus")
    admin_client.post("/settings/downloads", {"AUDIO_FORMAT": "m4a"})
    assert value("AUDIO_FORMAT") == "mp3"
    assert (
        "Set by <code>AUDIO_FORMAT</code> in the environment"
        in admin_client.get("/settings/downloads").content.decode()
    )


def test_one_bad_value_refuses_all_with_the_environments_sentence(
    world: World, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = admin_client.post("/settings/downloads", {"AUDIO_FORMAT": "opus", "YOUTUBE_PER_HOUR": "0"})
    assert answer.status_code == 400 and not Setting.objects.exists()
    assert 'value="0"' in answer.content.decode()  # what was typed is kept
    monkeypatch.setenv("YOUTUBE_PER_HOUR", "0")
    with pytest.raises(ImproperlyConfigured) as error:
        environment.whole("YOUTUBE_PER_HOUR", 150, 1, 1000)
    sentence = str(error.value).removeprefix("YOUTUBE_PER_HOUR").replace("'", "&#x27;")
    assert sentence in answer.content.decode()


def test_an_empty_field_goes_back_to_the_default(world: World) -> None:
    save_settings({"SYNC_MINUTES": "15"})
    save_settings({"SYNC_MINUTES": ""})
    assert value("SYNC_MINUTES") == 60 and not Setting.objects.exists()


def test_a_form_that_was_not_changed_writes_nothing(world: World) -> None:
    assert save_settings({name: written(name) for name in SETTINGS}) == {}
    assert not Setting.objects.exists()


def test_a_row_of_another_version_counts_as_none(world: World) -> None:
    Setting.objects.create(name="SYNC_MINUTES", value="never")
    assert value("SYNC_MINUTES") == 60


def test_the_free_space_floor_and_the_sync_interval_are_the_pages(world: World, settings: LazySettings) -> None:
    save_settings({"MIN_FREE_GB": "1000000", "SYNC_MINUTES": "5"})
    assert storage.check(world.now).state == "full"
    settings.SPOTIFY_REFRESH_TOKEN = "x" * 20
    Run.objects.create(kind=Run.Kind.SYNC, started_at=world.now - timedelta(minutes=6), ended_at=world.now, ok=True)
    assert schedule.due(world.now, online=True).sync
    save_settings({"SYNC_MINUTES": "7"})
    assert not schedule.due(world.now, online=True).sync


def test_outside_the_hours_nothing_is_claimed(world: World) -> None:
    save_settings({"FETCH_HOURS": "22:00-06:00"})
    storage.check(world.now)
    noon, night = datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert "22:00-06:00" in loop.reason_not_to_work(noon)
    assert loop.reason_not_to_work(night) == ""


@pytest.mark.parametrize(
    ("text", "moment", "within"),
    [
        ("", time(12), True),
        ("22-6", time(23), True),
        ("22-6", time(5, 59), True),
        ("22-6", time(6), False),
        ("8:30-9, 13-14:15", time(14, 14), True),
        ("8:30-9, 13-14:15", time(8, 29), False),
        ("0-24", time(12), True),
    ],
)
def test_windows_of_the_day(text: str, moment: time, within: bool) -> None:
    assert setting_values.is_within(setting_values.hours("FETCH_HOURS", text), moment) is within


@pytest.mark.parametrize("text", ["night", "25-3", "3", "22:00", "1:75-2", "-1-3"])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write hours like"):
        setting_values.hours("FETCH_HOURS", text)


def test_the_page_is_for_those_who_run_the_installation(world: World, client: Client, settings: LazySettings) -> None:
    settings.STATUS_PUBLIC = True
    assert client.get("/settings/downloads").status_code == 302


def test_the_source_the_floor_and_the_bandwidth_are_the_pages_in_the_next_attempt(world: World) -> None:
    page = {"AUDIO_SOURCE": "archive", "ARCHIVE_URL": "http://nas:8000/", "DOWNLOAD_KB_PER_SECOND": "200"}
    assert save_settings(page) == {}
    assert isinstance(source(), ArchiveSource) and source().connection().rate_bytes == 200_000
    assert source().access() == direct_files("http://nas:8000/")
    assert (value("UNWANTED_FILES"), value("LEAST_KBPS")) == ("keep", 0)


def test_an_own_server_needs_its_address(world: World) -> None:
    assert "address" in save_settings({"AUDIO_SOURCE": "archive"})["ARCHIVE_URL"]
    assert "http://" in save_settings({"ARCHIVE_URL": "nas:8000"})["ARCHIVE_URL"]
    assert value("AUDIO_SOURCE") == "youtube"


def test_a_floor_of_a_persons_own_refuses_what_lies_below_it() -> None:
    delivered = Probe("opus", "matroska", 130_000)
    require_quality(delivered, 128_000)
    with pytest.raises(DownloadError, match="160 are the least"):
        require_quality(delivered, 160_000)
    require_quality(Probe("flac", "flac", 100_000), 160_000)  # lossless


def test_new_collections_say_what_the_settings_say_of_their_songs_files(world: World) -> None:
    save_settings({"UNWANTED_FILES": "bin"})
    replace_catalog([CollectionRecord("file", "new", "New"), CollectionRecord("file", "old", "Old")], world.now)
    save_settings({"UNWANTED_FILES": "keep"})
    replace_catalog([CollectionRecord("file", "old", "Old")], world.now)
    assert set(Collection.objects.filter(key__in=["new", "old"]).values_list("removal", flat=True)) == {"bin"}


def test_the_time_zone_holds_on_pages_and_for_the_hours(world: World, admin_client: Client) -> None:
    admin_client.post("/settings/downloads", {"TIME_ZONE": "Asia/Tokyo", "FETCH_HOURS": "22-6"})
    Event.objects.create(
        kind=Event.Kind.FINISH, at=datetime(2026, 11, 21, 23, tzinfo=UTC), track=world.make_track("Song")
    )
    assert '<time datetime="2026-11-22">' in admin_client.get("/activity").content.decode()
    assert plan.reason_to_rest(datetime(2026, 11, 22, 14, tzinfo=UTC)) == ""  # 23:00 there
    assert plan.reason_to_rest(datetime(2026, 11, 22, 22, tzinfo=UTC))
    assert "write a name like" in save_settings({"TIME_ZONE": "Mars/Olympus"})["TIME_ZONE"]


def test_downloads_at_once_hold_from_the_next_start_and_the_page_says_so(world: World, admin_client: Client) -> None:
    answer = admin_client.post("/settings/downloads", {"DOWNLOAD_WORKERS": "3"}, follow=True)
    assert "holds from the next start" in answer.content.decode()
    assert value("DOWNLOAD_WORKERS") == 3


def test_the_status_page_says_that_it_is_outside_the_hours(world: World, admin_client: Client) -> None:
    world.make_track("Song")
    Track.objects.missing().update(retry_after=timezone.now() - timedelta(hours=1))
    storage.check(world.now)
    hour = timezone.localtime().hour
    save_settings({"FETCH_HOURS": f"{(hour + 2) % 24}-{(hour + 3) % 24}"})
    assert "1 missing: downloads rest. Nothing is downloaded outside" in admin_client.get("/").content.decode()


@pytest.mark.parametrize(
    "name",
    ["connect", "import", "preferences", "paths", "tags", "messages", "players", "health", "maintenance", "people"],
)
def test_a_page_of_settings_leads_to_the_other_ones_and_back(world: World, admin_client: Client, name: str) -> None:
    """The list of them stands beside it; on a phone, where there is no room for it, one link."""
    page = admin_client.get(reverse(name)).content.decode()
    assert f'<a href="{reverse(name)}" aria-current="page">' in page.partition('aria-label="Settings"')[2]
    assert f'<p class="crumb back"><a href="{reverse("settings")}">' in page
