"""`make screenshots`: the pictures of README and docs, by a browser, of a library that is made up.

    python -m tests.browser.screenshots [--out FOLDER] [--all]

``--all`` takes every page at phone and desk, light and dark, into FOLDER: to look at.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from bench.setup import configure

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright keeps an event loop in this thread

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXPORT = Path(__file__).resolve().parents[2] / "demo" / "library.csv"
FLAGS = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--font-render-hinting=none"]
COLOURS = 128  # of a picture's palette: a tenth of the bytes, and no difference to see
LARGEST = 100_000  # bytes of a picture in the repository

# File -> page, width, height, scheme. "import" is taken after an upload.
PICTURES = {
    "status.png": ("/", 1280, 1000, "light"),
    "phone.png": ("/", 390, 844, "dark"),
    "albums.png": ("/albums", 1280, 800, "light"),
    "choose.png": ("/collections", 1280, 800, "light"),
    "desk.png": ("/decide/desk", 1280, 800, "light"),
}
PAGES = [
    *("/", "/albums", "/artists", "/tracks", "/tracks?status=failed&sort=failed", "/collections", "/bin", "/todo"),
    *("/failures", "/decide", "/decide/desk", "/adopt", "/activity", "/queue", "/queue?view=cooling", "/plan"),
    *("/settings", "/settings/downloads", "/health", "/log", "/connect", "/import", "/paths", "/tags", "/messages"),
    *("/players", "/people", "/account", "/start", "/nothing-here", "/login", "/tracks/{failed}", "/tracks/{here}"),
    *("/albums/{album}", "/artists/{artist}", "/collections/{collection}", "/decide/{asked}"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DOCS)
    parser.add_argument("--all", action="store_true", help="every page, at two widths, light and dark")
    parser.add_argument("--only", default="", help="pages whose address contains this")
    options = parser.parse_args()
    place = tempfile.mkdtemp(prefix="tonekeep-pictures-")
    try:
        configure(place, "sqlite")
        take(options.out, options.all, options.only)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def take(out: Path, everything: bool, only: str) -> None:
    """Fill the database, serve it on loopback, and take the pictures."""
    from django.conf import settings
    from django.test import Client

    from config.process.web_server import bind, make_server
    from config.wsgi import application
    from tests.browser.plausible import make_plausible_library

    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    client = Client()
    client.force_login(make_plausible_library())
    listening = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    threading.Thread(target=make_server(application, listening).run, daemon=True).start()
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": address}
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        out.mkdir(parents=True, exist_ok=True)
        if everything:
            take_all(browser, address, cookie, out, only)
        else:
            take_pictures(browser, address, cookie, out)
        browser.close()


def opened(browser: Any, address: str, cookie: dict[str, str], width: int, height: int, scheme: str) -> Any:
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id="UTC"
    )
    context.add_cookies([cookie])
    return context.new_page()


def take_pictures(browser: Any, address: str, cookie: dict[str, str], out: Path) -> None:
    for name, (page_address, width, height, scheme) in PICTURES.items():
        page = opened(browser, address, cookie, width, height, scheme)
        page.goto(filled(page_address))
        page.wait_for_load_state("networkidle")
        save(page.screenshot(), out / name)
        page.context.close()
    page = opened(browser, address, cookie, 1280, 700, "light")
    page.goto("/import")
    page.set_input_files("input[type=file]", str(EXPORT))
    page.locator("form:has(input[type=file]) button").first.click()
    page.wait_for_load_state("networkidle")
    save(page.screenshot(), out / "import.png")


def save(picture: bytes, path: Path) -> None:
    """With a palette: small enough for a repository."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLOURS).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {size:,} bytes")
    if size > LARGEST:
        raise SystemExit(f"{path} is larger than {LARGEST:,} bytes.")


def take_all(browser: Any, address: str, cookie: dict[str, str], out: Path, only: str) -> None:
    for width, height in ((390, 844), (1280, 900)):
        for scheme in ("light", "dark"):
            page = opened(browser, address, cookie, width, height, scheme)
            for each in PAGES:
                if only in each:
                    page.goto(filled(each))
                    page.wait_for_load_state("networkidle")
                    name = re.sub(r"[/?=&{}]+", "-", each).strip("-") or "home"
                    page.screenshot(path=out / f"{name}-{width}-{scheme}.png", full_page=width > 400)
            page.context.close()


def filled(address: str) -> str:
    """The address with the ids that it names."""
    from catalog.models import Album, Artist, Collection, Track

    return address.format(
        failed=Track.objects.filter(error_kind="network").values_list("pk", flat=True).first(),
        here=Track.objects.filter(status="downloaded").values_list("pk", flat=True).first(),
        asked=Track.objects.filter(error_kind="needs_decision").values_list("pk", flat=True).first(),
        album=Album.objects.filter(tracks__last_error__gt="").values_list("pk", flat=True).first(),
        artist=Artist.objects.values_list("pk", flat=True).first(),
        collection=Collection.objects.filter(key="p1").values_list("pk", flat=True).first(),
    )


if __name__ == "__main__":
    main()
