"""Each page at three widths, light and dark, empty and full: accessible, quiet, fits, and asks nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from catalog.models import Album, Artist, Collection, Track
from tests.browser.songs import make_library

PAGES = [
    *(
        "/",
        "/tracks",
        "/tracks?status=review",
        "/artists",
        "/albums",
        "/collections",
        "/todo",
        "/plan",
        "/failures",
        "/decide",
        "/decide/desk",
    ),
    *("/adopt", "/activity", "/queue", "/queue?view=cooling", "/settings", "/health", "/connect", "/import", "/paths"),
    *("/bin", "/nothing-here", "/sync/now"),
]


def pages() -> list[str]:
    """The fixed addresses, and one page of each kind of row."""
    rows = [("tracks", Track), ("decide", Track), ("albums", Album), ("artists", Artist), ("collections", Collection)]
    own = [f"/{place}/{model.objects.latest('pk').pk}" for place, model in rows if model.objects.exists()]
    waiting = Track.objects.filter(error_kind="needs_decision").first()
    return PAGES + own + ([f"/tracks/{waiting.pk}", f"/decide/{waiting.pk}"] if waiting else [])


def violations(page: Any) -> list[str]:
    """What axe finds, of any level, as "rule: element"."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    rules = axe.run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in rules for node in rule["nodes"]]


@pytest.mark.parametrize("songs", [0, 25, 5_000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_every_page_is_accessible_quiet_and_fits(
    open_page: Any, live_server: LiveServer, songs: int, scheme: str, width: int
) -> None:
    make_library(songs)
    page = open_page(width, scheme)
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda request: noise.append(request.url) if live_server.url not in request.url else None)
    wrong = []
    for address in pages():
        noise.clear()
        answer = page.goto(address)
        page.wait_for_load_state("networkidle")
        if answer.status >= 400:  # the browser's own line for an error page that was asked for
            noise[:] = [line for line in noise if "Failed to load resource" not in line]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{address}: wider than the screen")
        wrong += [f"{address}: {line}" for line in [*noise, *violations(page)]]
    assert wrong == []
