"""The first plan in a browser: numbers, doubts answered many at once, one button."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import LazySettings
from django.utils import timezone
from playwright.sync_api import expect

from catalog.models import AdoptionMatch, Run, Track
from catalog.reports import plan
from tests.browser.songs import make_library


def test_a_person_answers_the_doubts_and_presses_start(open_page: Any, settings: LazySettings) -> None:
    settings.CONFIRM_PLANS = True
    make_library(25)
    now = timezone.now()
    missing = list(Track.objects.missing().order_by("pk"))
    for track in missing[:2]:
        AdoptionMatch.objects.create(track=track, file=f"mine/{track.pk}.mp3", size=1, why="The file is 9 s longer.")
    last = Track.objects.order_by("-pk").first()
    assert last
    Run.objects.create(
        kind=Run.Kind.ADOPT, started_at=now - timedelta(minutes=1), ended_at=now, ok=True, report={"up_to": last.pk}
    )
    page = open_page(width=390, scheme="dark")
    page.goto("/")
    page.locator("#banners").get_by_role("link", name="See the plan").click()
    before = plan.plan()
    expect(page.locator("h1")).to_have_text(f"25 songs. {before.here} are here already.")
    page.get_by_label("All 3").check()
    page.get_by_role("button", name="These are the songs").click()
    expect(page.locator("h1")).to_have_text(f"25 songs. {before.here + 3} are here already.")
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name=f"Start: download {before.fetch} songs").click()
    expect(page.locator(".messages")).to_contain_text(f"{before.fetch} songs to download")
    assert plan.reason_to_wait() == ""
