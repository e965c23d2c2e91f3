"""What nothing fitted is tried again once the matcher, the source or yt-dlp has changed."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from importlib.metadata import Distribution, distribution
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.db import connection

from catalog.models import Service, Track
from downloads import checks
from downloads.audio.probe import Probe
from downloads.audio.verify import require_quality
from downloads.failures import circuit_breaker
from downloads.failures.kinds import DownloadError
from downloads.fetch import ytdlp_version
from downloads.jobs import tasks
from downloads.matching import score
from downloads.models import Toolchain
from downloads.worker import upgrade_retry
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def tools(monkeypatch) -> dict[str, str]:
    """The versions in use, to be changed by a test."""
    used = {"matcher": "a", "source": "youtube", "yt-dlp": "2026.10.26", "least quality": "0"}
    monkeypatch.setattr(upgrade_retry, "versions", lambda: dict(used))
    return used


def failed(world: World, kind: str) -> Track:
    later = world.now + timedelta(days=7)
    return world.make_track(kind, last_error="x", error_kind=kind, attempts=6, retry_after=later)


def due(world: World) -> set[str]:
    return set(Track.objects.queue(world.now).values_list("error_kind", flat=True))


@pytest.mark.parametrize(
    ("tool", "cured"),
    [
        ("matcher", {"no_match", "needs_decision"}),
        ("source", {"no_match", "needs_decision"}),
        ("least quality", {"no_match", "needs_decision", "low_quality"}),
        ("yt-dlp", {"no_match", "needs_decision", "tool_crashed", "unknown", "no_formats", "outdated", "server"}),
    ],
)
def test_a_change_makes_due_what_it_may_have_cured_and_nothing_else(world, tools, tool, cured):
    kinds = (
        "no_match",
        "needs_decision",
        "tool_crashed",
        "unknown",
        "no_formats",
        "outdated",
        "server",
        "network",
        "choice_failed",
        "removed",
        "low_quality",
    )
    tracks = {kind: failed(world, kind) for kind in kinds}
    assert upgrade_retry.retry_after_change(world.now) == 0, "the first look only writes down what is used"
    tools[tool] = "new"
    assert upgrade_retry.retry_after_change(world.now) == len(cured)
    assert due(world) == cured
    track = Track.objects.get(pk=tracks["no_match"].pk)
    assert (track.attempts, track.events.get().reason) == (0, f"{tool} changed")


@pytest.mark.parametrize("kind", ["outdated", "no_formats", "no_js_runtime", "bot_check", "network"])
def test_a_new_yt_dlp_ends_the_pause_that_an_old_one_brought_about(world, tools, kind):
    circuit_breaker.pause(kind, "It said no.", None, world.now)
    upgrade_retry.retry_after_change(world.now)
    tools["yt-dlp"] = "new"
    upgrade_retry.retry_after_change(world.now)
    ended = not Service.objects.get(name="audio").is_paused(world.now)
    assert ended == (kind in {"outdated", "no_formats", "no_js_runtime"})


def test_the_same_tools_try_nothing_again(world, tools):
    failed(world, "no_match")
    for _ in range(3):
        assert upgrade_retry.retry_after_change(world.now) == 0
    assert due(world) == set()


def test_a_change_counts_once(world, tools):
    failed(world, "no_match")
    upgrade_retry.retry_after_change(world.now)
    tools["matcher"] = "b"
    assert [upgrade_retry.retry_after_change(world.now) for _ in range(2)] == [1, 0]
    assert Toolchain.objects.get().versions == tools


def test_the_tick_notices(world, settings):
    failed(world, "no_match")
    Toolchain.objects.create(pk=1, versions=upgrade_retry.versions() | {"matcher": "an older one"})
    tasks.tick()
    assert Track.objects.get(error_kind="no_match").events.filter(kind="retry").exists()


def test_an_installation_with_the_first_matcher_matches_nothing_again(world: World) -> None:
    migration = importlib.import_module("downloads.migrations.0009_matcher_version")
    failed(world, "no_match")
    used = upgrade_retry.versions()
    Toolchain.objects.create(pk=1, versions=used | {"matcher": migration.DIGEST_OF_VERSION_1})

    migration.number_the_matcher(apps, SimpleNamespace(connection=connection))

    assert Toolchain.objects.get().versions == used | {"matcher": "1"}
    assert upgrade_retry.retry_after_change(world.now) == (0 if score.VERSION == 1 else 1)


def test_an_installation_with_an_older_matcher_matches_again(world: World) -> None:
    migration = importlib.import_module("downloads.migrations.0009_matcher_version")
    failed(world, "no_match")
    Toolchain.objects.create(pk=1, versions=upgrade_retry.versions() | {"matcher": "0123456789abcdef"})

    migration.number_the_matcher(apps, SimpleNamespace(connection=connection))

    assert upgrade_retry.retry_after_change(world.now) == 1


def test_a_recording_that_was_too_poor_may_be_taken_once_the_floor_is_another(world, tools):
    """Of the real sentence; what was sent away for anything else stays away."""
    track, refused = failed(world, "low_quality"), {"verdict": "disproved", "source": "youtube", "found_at": world.now}
    with pytest.raises(DownloadError) as error:
        require_quality(Probe("opus", "matroska", 130_000), 160_000)
    poor = track.candidates.create(source_id="1", why=error.value.message, **refused)
    silent = track.candidates.create(source_id="2", why="The recording is silent.", **refused)
    upgrade_retry.retry_after_change(world.now)
    tools["least quality"] = "128"
    assert upgrade_retry.retry_after_change(world.now) == 1
    assert list(track.candidates.usable()) == [poor] and track.candidates.get(pk=silent.pk).why


@pytest.mark.parametrize(
    ("version", "age"),
    [("2026.10.26", 27), ("2026.10.26.232815", 27), ("2026.11.22", 0), ("2027.1.1", 0), ("", None), ("9.99.99", None),
     ("2026.13.40", None)],
)  # fmt: skip
def test_the_age_of_yt_dlp_is_read_from_its_version(monkeypatch, version, age):
    monkeypatch.setattr(ytdlp_version, "installed_version", lambda: version)
    assert ytdlp_version.age_days(datetime(2026, 11, 22, 12, tzinfo=UTC)) == age


def test_an_old_yt_dlp_is_said_with_the_command_that_updates_it(monkeypatch, settings):
    settings.AUDIO_SOURCE = "youtube"
    for age, said in ((checks.OLD_AFTER, []), (checks.OLD_AFTER + 1, ["To update it, run make update-ytdlp."])):
        monkeypatch.setattr(ytdlp_version, "age_days", lambda now, age=age: age)
        assert [found.hint for found in run_checks() if found.id == "downloads.W003"] == said
    settings.AUDIO_SOURCE = "archive"
    assert [found for found in run_checks() if found.id == "downloads.W003"] == []


def test_the_status_page_shows_the_age_and_the_command(admin_client, world, settings):
    client, settings.AUDIO_SOURCE = admin_client, "youtube"
    text = client.get("/").content.decode()
    assert "yt-dlp" in text and "make update-ytdlp" in text and "old</span>" in text
    settings.AUDIO_SOURCE = "archive"
    assert "update-ytdlp" not in client.get("/").content.decode()


def test_the_version_is_looked_up_once_a_minute_and_found_again_after_an_update(monkeypatch: pytest.MonkeyPatch):
    looked: list[str] = []
    minutes = [1000.0]
    monkeypatch.setattr(ytdlp_version.time, "monotonic", lambda: minutes[0] * 60)

    def look(name: str) -> Distribution:
        looked.append(name)
        return distribution(name)

    monkeypatch.setattr(ytdlp_version, "distribution", look)
    assert {ytdlp_version.installed_version() for _ in range(3)} == {distribution("yt-dlp").version}
    assert looked == ["yt-dlp"]
    minutes[0] += 1
    ytdlp_version.installed_version()
    assert looked == ["yt-dlp", "yt-dlp"]
