"""The desk by keys alone and on a phone: fifty answers, nobody else asked, readable in light and dark."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from catalog.models import Album, Artist, Credit, Track
from catalog.music.identity import identity_key
from downloads.models import Candidate
from tests.browser.songs import make_library
from tests.browser.test_every_page import violations
from tests.world import spotify_id

PLAYER = "https://www.youtube-nocookie.com/embed/"


def make_questions(number: int) -> list[Track]:
    """Songs that wait, each with three recordings: one of two is live, one is somebody else's."""
    make_library(11)
    album = Album.objects.create(title="Lieder", artist="Franz Schubert", key="lieder")
    artist = Artist.objects.create(name="Franz Schubert", key="franz schubert")
    tracks = [_question(at, album) for at in range(number)]
    Credit.objects.bulk_create([Credit(track=track, artist=artist, position=0) for track in tracks])
    Candidate.objects.all().delete()
    Track.objects.filter(error_kind="needs_decision").exclude(pk__in=[track.pk for track in tracks]).delete()
    for track in tracks:
        for at, (title, by, length) in enumerate(
            [("{} D. 957", "Franz Schubert", 183), ("{} (Live, 1998)", "Franz Schubert", 179), ("{}", "A choir", 180)]
        ):
            Candidate.objects.create(
                track=track, source="youtube", source_id=f"{track.pk:09}-{at}", url="", kind="song", score=70 - at,
                title=title.format(track.title), artists=[by], album="Live at the Hall" if at == 1 else "",
                duration_ms=length * 1000, reasons=["to be heard"], found_at=timezone.now(),
            )  # fmt: skip
    return tracks


def _question(at: int, album: Album) -> Track:
    title = f"Ständchen {at}"
    return Track.objects.create(
        title=title, album=album, track_number=at, duration_ms=180_000, spotify_id=spotify_id(title), wanted=True,
        identity=identity_key(title, ["Franz Schubert"]), error_kind="needs_decision", last_error="x", attempts=1,
        retry_after=timezone.now(),
    )  # fmt: skip


def test_fifty_songs_are_answered_by_keys_on_a_phone_and_nobody_else_is_asked(
    open_page: Any, live_server: LiveServer
) -> None:
    tracks = make_questions(50)
    page = open_page(360)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if live_server.url not in request.url else None)
    page.goto("/decide/desk")
    for number in range(50):
        expect(page.locator(".crumb")).to_contain_text(f"{50 - number} left")
        page.wait_for_load_state()  # the keys work from then on
        page.keyboard.press("n" if number % 5 == 4 else str(number % 3 + 1))
    expect(page.locator("h1")).to_have_text("Nothing to choose")
    page.wait_for_load_state()
    page.keyboard.press("u")
    expect(page.locator("h1")).to_have_text(tracks[-1].title)
    page.wait_for_load_state()
    page.keyboard.press("1")
    expect(page.locator("h1")).to_have_text("Nothing to choose")
    assert Candidate.objects.filter(verdict="chosen").count() == 41
    assert Candidate.objects.filter(verdict="never").count() == 27
    assert asked == []


def test_a_key_that_is_held_down_answers_one_question(open_page: Any) -> None:
    make_questions(3)
    page = open_page()
    page.goto("/decide/desk")
    page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '1', repeat: true, bubbles: true}))")
    page.wait_for_load_state("networkidle")
    assert not Candidate.objects.exclude(verdict="").exists()


def test_the_player_comes_after_a_click_without_cookies_and_goes_with_the_next(open_page: Any) -> None:
    make_questions(1)
    page = open_page()
    asked: list[str] = []

    def play(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(body="<p>player</p>", content_type="text/html")

    page.route(re.compile("^https:"), play)
    page.goto("/decide/desk")
    assert page.locator("iframe").count() == 0 and asked == []
    page.locator("[data-listen]").nth(1).click()
    expect(page.frame_locator("iframe").locator("p")).to_have_text("player")
    assert [address.partition("?")[0] for address in asked] == [f"{PLAYER}{Candidate.objects.all()[1].source_id}"]
    assert "start=45&end=55" in asked[0]
    page.keyboard.press("p")
    expect(page.locator(".cands li").nth(2).locator("iframe")).to_have_count(1)
    page.locator("[data-listen]").nth(2).click()
    assert page.locator("iframe").count() == 0


def test_the_other_keys_lead_where_they_say(open_page: Any) -> None:
    tracks = make_questions(3)
    page = open_page()
    page.goto("/decide/desk")
    page.keyboard.press("l")
    expect(page.locator("h1")).to_have_text(tracks[1].title)
    page.wait_for_load_state()
    page.keyboard.press("w")
    expect(page.locator("#w")).to_be_focused()
    page.keyboard.type("12nl")
    expect(page.locator("h1")).to_have_text(tracks[1].title)
    page.locator("h1").click()
    page.locator("#w").blur()
    page.keyboard.press("s")
    expect(page.locator("h1")).to_have_text("The same for 2 songs")
    page.wait_for_load_state()
    page.keyboard.press("s")
    expect(page.locator("h1")).to_have_text("Nothing to choose")
    page.wait_for_load_state()
    page.keyboard.press("u")
    expect(page.locator(".crumb")).to_contain_text("3 left")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_the_desk_is_accessible_and_fits(open_page: Any, width: int, scheme: str) -> None:
    tracks = make_questions(3)
    Candidate.objects.filter(track=tracks[1]).delete()
    page = open_page(width, scheme)
    one = tracks[0].candidates.first()
    for address in ("?", f"?song={tracks[1].pk}", f"/alike/{one.pk}"):
        page.goto(f"/decide/desk{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


def test_the_desk_works_without_scripts(open_page: Any) -> None:
    tracks = make_questions(2)
    page = open_page(360, scripts=False)
    page.goto("/decide/desk")
    page.get_by_role("button", name=re.compile("Use this recording 2")).click()
    expect(page.locator("h1")).to_have_text(tracks[1].title)
    assert page.locator("[data-listen]").first.get_attribute("href").startswith("https://www.youtube.com/watch?v=")
    page.get_by_role("button", name="None of these").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_have_text(tracks[1].title)
