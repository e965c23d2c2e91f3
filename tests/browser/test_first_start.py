"""From the one-time link to Start, without a terminal: a folder that holds some songs, an export, the plan."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from catalog.models import Track
from catalog.reports import plan
from catalog.storage import state as storage
from catalog.tags import audio_tags
from catalog.web import setup_link
from downloads.jobs import backlog
from tests.audio import make_audio

HEADER = ["Track URI", "Track Name", "Artist Name(s)", "Album Name", "Track Duration (ms)"]


@pytest.fixture
def fresh(transactional_db: None, settings: LazySettings, tmp_path: Path) -> Path:
    """An installation that nobody has opened yet, with one song in its folder. The export of two songs."""
    settings.CONFIRM_PLANS = True
    settings.DATA_DIR, settings.MUSIC_DIR, settings.MUSIC_DIR_NAMED = tmp_path / "data", str(tmp_path / "music"), True
    settings.MIN_FREE_BYTES = 0
    settings.DATA_DIR.mkdir()
    mine = tmp_path / "music" / "mine" / "1.mp3"
    mine.parent.mkdir(parents=True)
    make_audio(mine, 4)
    audio_tags.write_tags(str(mine), audio_tags.TrackTags("Morning", ("Maria Ruiz",)), None)
    export = tmp_path / "export.csv"
    with export.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                HEADER,
                [f"spotify:track:{'a' * 22}", "Morning", "Maria Ruiz", "First Light", 4000],
                [f"spotify:track:{'b' * 22}", "Noon", "Maria Ruiz", "First Light", 4000],
            ]
        )
    return export


def test_from_the_link_to_start(fresh: Path, chromium: Any, live_server: Any) -> None:
    storage.check(timezone.now())
    token = setup_link.offer(datetime.now(UTC))
    page = chromium.new_context(base_url=live_server.url, viewport={"width": 390, "height": 800}).new_page()
    page.goto(f"/setup/{token}")
    page.get_by_label("Username").fill("kim")
    for field in page.locator("input[type=password]").all():
        field.fill("a long enough one")
    page.get_by_role("button", name="Create account").click()
    assert User.objects.get().username == "kim"

    expect(page.locator("h1")).to_have_text("Your music folder")
    page.get_by_role("button", name="Look what lies in it").click()
    backlog.look_through(timezone.now())
    page.reload()
    expect(page.locator("dl")).to_contain_text("1 audio file")

    page.get_by_role("link", name="Next: your library").click()
    page.get_by_role("link", name="Music folder").click()  # back, and on again
    page.get_by_role("link", name="Next: your library").click()
    page.get_by_role("link", name="Choose files").click()
    page.locator("input[type=file]").set_input_files(str(fresh))
    page.locator("main form button").first.click()
    page.locator("main form button.primary").first.click()
    expect(page.locator("h1")).to_have_text("The music folder is being looked through")

    backlog.reconcile_and_wake(timezone.now())
    page.reload()
    expect(page.locator("h1")).to_have_text("2 songs. 1 is here already.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert Track.objects.downloading().count() == 0 and plan.reason_to_wait()
    page.get_by_role("button", name="Start: download 1 song").click()
    expect(page.locator(".messages")).to_contain_text("1 song to download")
    assert plan.reason_to_wait() == ""
    page.context.close()
