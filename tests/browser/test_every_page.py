"""Each page at three widths, light and dark, empty and full: accessible, quiet, fits, and asks nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from catalog.models import Album, Artist, Collection, Track
from catalog.web import person_links
from tests.browser.songs import make_library

WIDTHS = (320, 768, 1280)
# Colours are all that differs in the dark: axe's other rules see the same page.
COLOURS = ["color-contrast", "link-in-text-block"]
PAGES = [
    *("/", "/tracks", "/tracks?status=review", "/artists", "/albums", "/collections", "/bin"),
    *("/todo", "/failures", "/decide", "/decide/desk", "/adopt", "/activity", "/activity?kind=failed"),
    *("/queue", "/queue?view=cooling", "/plan", "/settings", "/settings/downloads", "/health", "/log"),
    *(
        "/connect",
        "/import",
        "/paths",
        "/tags",
        "/messages",
        "/players",
        "/start",
        "/maintenance",
        "/people",
        "/account",
        "/nothing-here",
        "/sync/now",
    ),
]


def pages() -> list[str]:
    """The fixed addresses, and one page of each kind of row."""
    rows = [("tracks", Track), ("decide", Track), ("albums", Album), ("artists", Artist), ("collections", Collection)]
    own = [f"/{place}/{model.objects.latest('pk').pk}" for place, model in rows if model.objects.exists()]
    waiting = Track.objects.filter(error_kind="needs_decision").first()
    return PAGES + own + ([f"/tracks/{waiting.pk}", f"/decide/{waiting.pk}"] if waiting else [])


def violations(page: Any, only: list[str] | None = None) -> list[str]:
    """What axe finds, of any level, as "rule: element"; ``only`` some of its rules, if they are named."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(axe.axe_script)
    options = {"runOnly": only or ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    rules = page.evaluate("options => axe.run(document, {...options, resultTypes: ['violations']})", options)
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in rules["violations"]
        for node in rule["nodes"]
    ]


def shown_wrong(page: Any) -> Iterator[str]:
    """What is wrong with a page at each width, light and dark, without loading it again."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="light")
        yield from (f"{width} light: {found}" for found in violations(page))
        page.emulate_media(color_scheme="dark")
        yield from (f"{width} dark: {found}" for found in violations(page, COLOURS))
        if page.evaluate("document.documentElement.scrollWidth") > width:
            yield f"{width}: wider than the screen"


@pytest.mark.parametrize("songs", [0, 25, 5_000])
def test_every_page_is_accessible_quiet_and_fits(open_page: Any, live_server: LiveServer, songs: int) -> None:
    make_library(songs)
    page = open_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda request: noise.append(request.url) if live_server.url not in request.url else None)
    wrong = []
    for address in pages():
        noise.clear()
        answer = page.goto(address)
        page.wait_for_load_state()
        found = list(shown_wrong(page))
        if answer.status >= 400:  # the browser's own line for an error page that was asked for
            noise[:] = [line for line in noise if "Failed to load resource" not in line]
        wrong += [f"{address}: {line}" for line in [*noise, *found]]
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_log_in_page_is_accessible_and_fits(open_page: Any, scheme: str) -> None:
    page = open_page(scheme=scheme)
    page.context.clear_cookies()
    link = person_links.invite("keeper", timezone.now())
    for address in ("/login", "/tracks", f"/join/{link}"):
        page.goto(address)
        assert list(shown_wrong(page)) == [], address
