"""An open page: refreshed in place without taking the focus, honest when the server or the session is gone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from catalog.models import BrowserSession, Service, Track
from tests.browser.songs import make_library

REFRESH = "refresh()"  # what the timer of static/tonekeep.js calls


@pytest.fixture
def home(open_page: Any) -> Any:
    make_library(25)
    page = open_page()
    page.goto("/")
    return page


def test_the_focus_stays_where_it_is(home: Any) -> None:
    link = home.get_by_role("link", name="The whole queue").or_(home.locator("#live .rows a.song").first).first
    link.focus()
    before = home.evaluate("document.activeElement.textContent")
    Track.objects.filter(status=Track.Status.DOWNLOADED).update(title="Another title")
    home.evaluate(REFRESH)
    assert home.evaluate("document.activeElement.textContent") == before != ""


def test_what_changed_is_shown_also_in_the_title_of_the_tab(home: Any) -> None:
    before = home.title()
    Service.objects.pause_by_person("audio")
    home.evaluate(REFRESH)
    expect(home.locator("#banners")).to_contain_text("Downloads are paused")
    assert home.title() != before


def test_an_unchanged_page_costs_a_304(home: Any) -> None:
    codes: list[int] = []
    home.evaluate(REFRESH)
    home.on("response", lambda response: codes.append(response.status))
    home.evaluate(REFRESH)
    assert codes == [304]


def test_an_open_menu_stays_open(home: Any) -> None:
    home.locator("details.account > summary").click()
    home.evaluate(REFRESH)
    assert home.locator("details.account").evaluate("menu => menu.open")


def test_the_end_of_the_session_is_said_and_asking_stops(home: Any) -> None:
    BrowserSession.objects.all().delete()
    assert home.evaluate(REFRESH) is False
    expect(home.locator("#connection")).to_contain_text("You are logged out")


def test_a_server_that_is_away_is_said(home: Any) -> None:
    home.route("**/*", lambda route: route.abort())
    home.evaluate(REFRESH)
    expect(home.locator("#connection")).to_contain_text("Not connected since")
    home.unroute("**/*")
    home.evaluate(REFRESH)
    expect(home.locator("#connection")).to_have_text("")


def test_a_slash_leads_to_the_search_and_finds_a_song(home: Any) -> None:
    home.keyboard.press("/")
    home.keyboard.type("Gymnopédie 10")
    home.keyboard.press("Enter")
    expect(home).to_have_url(re.compile("/tracks"))
    expect(home.locator("#songs li")).to_have_count(1)


def test_the_theme_is_kept_for_all_pages(home: Any) -> None:
    home.locator("details.account > summary").click()
    home.get_by_role("button", name="Dark").click()
    home.goto("/tracks")
    assert home.locator("html").get_attribute("data-theme") == "dark"


def test_songs_that_were_chosen_are_tried_again(home: Any) -> None:
    home.goto("/tracks?status=waiting")
    boxes = home.locator("#songs input")
    boxes.nth(0).check()
    boxes.nth(1).check()
    home.get_by_role("button", name="Try again now").click()
    expect(home.locator(".messages")).to_contain_text("2 songs tried again now")
    assert Track.objects.filter(events__kind="retry").count() == 2


def test_the_whole_way_works_without_scripts(open_page: Any) -> None:
    make_library(25)
    page = open_page(scripts=False)
    page.goto("/todo")
    page.get_by_role("link", name="Choose, one after the other").click()
    page.get_by_role("button", name=re.compile("Use this recording 1")).click()
    expect(page.locator(".messages")).to_be_visible()


def test_five_places_stand_below_the_thumb_on_a_phone(open_page: Any) -> None:
    make_library(25)
    page = open_page(width=390)
    page.goto("/")
    box = page.get_by_role("navigation", name="Main").bounding_box()
    assert box["y"] + box["height"] == pytest.approx(800, abs=1) and box["x"] == 0
    assert page.locator(".places a").count() == 5
