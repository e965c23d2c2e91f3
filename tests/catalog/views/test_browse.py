"""The read-only pages: who may see them, each number leads to the rows it counts, and no name is ever executed."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from catalog.models import Account, Album, Artist, Cluster, Collection, Event, Run, Service, Track
from catalog.storage import hold
from catalog.tracks import transitions
from catalog.web.keyset_pages import page_of
from tests.shared import SHARED_DATA, needs_shared
from tests.world import World

READ_ONLY = ["/", "/status", "/queue", "/tracks", "/artists", "/albums", "/metrics"]
JSON_ONLY = ["/status", "/metrics"]


@pytest.fixture
def reader(client: Client, world: World) -> Client:
    """Somebody with all rights, logged in."""
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    return client


def rows_on(client: Client, address: str) -> list[int]:
    """The ids of the tracks that a list shows, over all of its pages."""
    found: list[int] = []
    while address:
        text = client.get(address).content.decode()
        rows = text.partition('id="songs">')[2].partition("</ul>")[0]
        found += [int(pk) for pk in re.findall(r'href="/tracks/(\d+)"', rows)]
        onward = re.search(r'rel="next" href="([^"]+)"', text)
        address = address.partition("?")[0] + onward[1].replace("&amp;", "&") if onward else ""
    return found


# --- Who may see them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", READ_ONLY)
def test_a_stranger_sees_nothing(client: Client, world: World, path: str) -> None:
    answer = client.get(path)
    if path in JSON_ONLY:
        assert answer.status_code == 401 and "Log in first" in answer.json()["error"]
    else:
        assert answer.status_code == 302 and answer["Location"].startswith("/login?next=")
    assert b"Morning" not in answer.content


@pytest.mark.parametrize("path", READ_ONLY)
def test_status_public_opens_the_read_only_pages(
    client: Client, world: World, settings: LazySettings, path: str
) -> None:
    settings.STATUS_PUBLIC = True
    assert client.get(path).status_code == 200


def test_status_public_shows_no_button_and_no_path(client: Client, world: World, settings: LazySettings) -> None:
    settings.STATUS_PUBLIC = True
    track = world.tracks["Maria Ruiz/First Light/Morning"]
    for path in ("/", "/queue?view=cooling", f"/tracks/{track.pk}"):
        text = client.get(path).content.decode()
        assert 'method="post"' not in text
        assert track.local_path not in text


@pytest.mark.parametrize("path", [*READ_ONLY, "/healthz"])
def test_a_slash_at_the_end_does_no_harm(reader: Client, path: str) -> None:
    with_slash = path if path == "/" else f"{path}/"
    assert reader.get(with_slash).status_code == 200


def test_healthz_needs_no_log_in_and_says_little(client: Client, world: World) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "workers": "none"})
    Service.objects.update_or_create(name="storage", defaults={"state": "offline", "checked_at": timezone.now()})
    assert client.get("/healthz").json() == {"ok": True, "workers": "none", "storage": "offline"}


@pytest.mark.parametrize("path", READ_ONLY)
def test_a_read_only_page_takes_no_post(reader: Client, path: str) -> None:
    assert reader.post(path).status_code == 405


# --- The status page --------------------------------------------------------------------------------------


def test_each_counter_leads_to_exactly_the_rows_it_counts(reader: Client, world: World) -> None:
    for number in range(130):  # more than one page
        world.make_track(f"Song {number}")
    world.make_track("Not mine", wanted=False)
    busy = transitions.claim(world.now)
    assert busy
    counters = reader.get("/status").json()["counters"]
    text = reader.get("/").content.decode()
    for name in ("songs", "missing", "downloading", "downloaded"):
        shown = re.search(rf'href="(/tracks\?status={name})"><b>([\d,]+)</b>', text)
        assert shown, name
        rows = rows_on(reader, shown[1])
        assert len(rows) == len(set(rows)) == counters[name] == int(shown[2])
    assert rows_on(reader, "/tracks?status=downloading") == [busy.pk]
    assert counters["missing"] == 129


@pytest.mark.parametrize(("path", "model"), [("/artists", Artist), ("/albums", Album)])
def test_artists_and_albums_lead_to_those_of_wanted_tracks(
    reader: Client, world: World, path: str, model: type[Artist] | type[Album]
) -> None:
    world.make_track("Not mine", artist="Nobody's", album="Nobody's own", wanted=False)
    text = reader.get(path).content.decode()
    shown = re.findall(rf'href="{path}/(\d+)"', text)
    assert len(shown) == len(set(shown)) == reader.get("/status").json()["counters"][path[1:]]
    assert "Nobody" not in text
    for pk in shown:
        assert rows_on(reader, f"/tracks?{path[1:-1]}={pk}")


def test_the_status_page_tells_what_goes_on(reader: Client, world: World) -> None:
    busy, broken = world.make_track("Busy song"), world.make_track("Broken song")
    claimed = transitions.claim_one(busy.pk, world.now)
    assert claimed and claimed.claim
    transitions.renew(busy.pk, claimed.claim, world.now, 42)
    held = transitions.claim_one(broken.pk, world.now)
    assert held and held.claim
    transitions.fail(broken.pk, held.claim, "removed", "The recording was taken down.", world.now, world.now)
    Service.objects.pause("spotify", world.later(days=9), "Spotify asks us to slow down.")
    lately = timezone.now() - timedelta(minutes=1)
    Run.objects.create(kind="sync", started_at=lately, ended_at=lately, ok=False, problem="Page 3 was short.")
    text = reader.get("/").content.decode()
    for said in (
        "Busy song",
        "42 %",
        "Broken song",
        "The recording was taken down.",
        "1 failed in all",
        "Spotify asks us to slow down.",
        "Page 3 was short.",
        "not complete",
        "Pause downloads",
    ):
        assert said in text, said


def test_silent_workers_are_said_with_their_cure(reader: Client, world: World) -> None:
    Cluster.objects.create(host="nas", queue="downloads", started_at=world.now - timedelta(days=1))
    text = reader.get("/").content.decode()
    assert "No sign of the workers (downloads)" in text
    assert "Start Tonekeep again" in text


def test_a_hold_has_its_button_and_says_why(reader: Client, world: World) -> None:

    Service.objects.filter(name="storage").update(checked_at=world.now)
    hold.begin(5, 6, world.now)
    text = reader.get("/").content.decode()
    assert "5 of 6 files are gone at once" in text
    assert 'action="/library/accept-missing"' in text


def test_the_page_refreshes_without_javascript(reader: Client) -> None:
    assert '<noscript><meta http-equiv="refresh"' in reader.get("/").content.decode()


def test_a_folder_that_is_gone_does_no_harm_to_any_page(reader: Client, world: World) -> None:
    """Pages touch no file: with the folder replaced by a pipe, whose opening would hang, all of them answer."""
    import os

    world.root.rename(world.root.with_name("away"))
    os.mkfifo(world.root)
    for path in [*READ_ONLY, "/healthz", f"/tracks/{Track.objects.first().pk}"]:  # type: ignore[union-attr]
        assert reader.get(path).status_code == 200


# --- Lists ------------------------------------------------------------------------------------------------


def test_a_search_finds_titles_artists_albums_and_ids_in_any_script(reader: Client, world: World) -> None:
    track = world.make_track("ÉTUDE Nº 2", "Ólöf", "Hafið", isrc="ISABC2600001")
    for words in ("étude", "ÓLÖF étude", "isabc2600001", track.spotify_id, "hafið étude"):
        assert track.pk in rows_on(reader, f"/tracks?q={words}"), words
    assert rows_on(reader, "/tracks?q=nothing+like+it") == []


def test_a_list_is_narrowed_by_collection_and_kind_of_error(reader: Client, world: World) -> None:
    other = world.make_track("Elsewhere")
    other.entries.update(collection=Collection.objects.create(kind="file", key="b.csv", name="B"))
    assert rows_on(reader, f"/tracks?collection={other.entries.get().collection_id}") == [other.pk]
    held = transitions.claim_one(other.pk, world.now)
    assert held and held.claim
    transitions.fail(other.pk, held.claim, "removed", "Gone.", world.now, world.now)
    assert rows_on(reader, "/tracks?status=failed&error=removed") == [other.pk]
    assert rows_on(reader, "/tracks?status=failed&error=network") == []


@pytest.mark.parametrize(
    "query",
    [
        "status=rubbish",
        "artist=x",
        "artist=99999999999999999999",
        "album=-1",
        "after=x",
        'after=["a"]',
        "after=[[1]]",
        "after={}",
        "after=[1,2,3]",
        "q=%25_%5C",
        "collection=²",
        'status=ready&after=["yesterday",1]',
        'status=ready&after=[1,"x"]',
        'status=ready&after=["0001-01-01T00:00:00%2B14:00",1]',
        'status=ready&after=["9999-12-31T23:59:59-14:00",1]',
        "after=[" + 5000 * "9" + "]",
        "after=" + 5000 * "[",
        'after=["\\u0000",1]',
        'after=["\\ud800",1]',
    ],
)
def test_a_broken_address_is_no_broken_page(reader: Client, query: str) -> None:
    assert reader.get(f"/tracks?{query}").status_code == 200
    assert reader.get(f"/queue?{query}").status_code == 200
    assert reader.get(f"/albums?{query}").status_code == 200


def test_pages_go_on_where_the_last_one_ended(world: World) -> None:
    """Rows with an equal first key are neither shown twice nor left out."""
    same = world.now - timedelta(hours=1)
    made = [world.make_track(f"Song {number}", retry_after=same) for number in range(7)]
    found, after = [], ""
    while True:
        page = page_of(Track.objects.queue(world.now), ("retry_after", "pk"), after, size=3)
        found += [track.pk for track in page.rows]
        if not (after := page.after):
            break
    assert found == [track.pk for track in made]


# --- Nothing is executed ----------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Every element and attribute of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(attrs)))

    def dangerous(self) -> list[str]:
        """Scripts with a body or from elsewhere, handlers, addresses that run something, foreign elements."""
        bad = []
        for tag, attributes in self.found:
            named = dict(attributes)
            if tag == "script" and not (named.get("src") or "").startswith("/static/"):
                bad.append(f"<script {named}>")
            ours = tag == "svg" and named.get("class") in {"icon", "coverage", "spark"}
            if tag in {"iframe", "object", "embed", "svg", "base", "audio", "video", "applet", "math"} and not ours:
                bad.append(f"<{tag}>")
            bad += [f"{tag} {name}" for name, _ in attributes if name.startswith("on") or name == "style"]
            links = [value or "" for name, value in attributes if name in {"href", "src", "action"}]
            bad += [f"{tag} {link}" for link in links if not re.match(r"/|\?|#|https://open\.spotify\.com/", link)]
        return bad


def storable(texts: list[str]) -> list[str]:
    """PostgreSQL stores no NUL, and sources strip it."""
    return list(dict.fromkeys(text for text in texts if "\0" not in text and text.strip()))


def test_a_nul_in_an_address_is_refused_in_a_sentence(reader: Client) -> None:
    answer = reader.get("/tracks?q=%00")
    assert answer.status_code == 400 and b"NUL" in answer.content


@needs_shared
def test_naughty_strings_are_text_and_nothing_else(reader: Client, world: World) -> None:
    naughty = storable(json.loads((SHARED_DATA / "nasty" / "blns.json").read_text()))
    assert len(naughty) > 400
    for text in naughty:
        track = world.make_track(text, retry_after=world.now - timedelta(days=2))
        Track.objects.filter(pk=track.pk).update(last_error=text, error_kind="unknown", attempts=1)
        Event.objects.create(track=track, kind="fail", reason=text, at=world.now)
        Artist.objects.filter(credits__track=track).update(name=text)
    Album.objects.update(title=naughty[0], artist=naughty[1])
    Collection.objects.update(name=naughty[2], problem=naughty[3])
    lately = timezone.now() - timedelta(minutes=1)
    Run.objects.create(kind="sync", started_at=lately, ok=False, problem="<script>alert(1)</script>")
    Service.objects.filter(name="storage").update(state="offline", reason="<img src=x onerror=alert(1)>")
    for path in ("/", "/queue", "/tracks", "/tracks?status=failed", "/artists", "/albums", "/tracks?q=<script>x"):
        assert Tags(reader.get(path).content.decode()).dangerous() == [], path
    for track in Track.objects.filter(title__contains="<")[::8]:  # the lists have all of them
        page = reader.get(f"/tracks/{track.pk}").content.decode()
        assert Tags(page).dangerous() == [], track.title
    answer = reader.get("/status")
    assert answer["Content-Type"] == "application/json"
    assert "<script>" in answer.json()["runs"]["sync"]["problem"]


def test_the_check_for_danger_sees_danger() -> None:
    page = '<script>x</script><img src="x" onerror="y"><a href="javascript:z">z</a><iframe></iframe>'
    assert len(Tags(page).dangerous()) == 5


def test_only_our_own_scripts_may_run(reader: Client) -> None:
    policy = reader.get("/")["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy


# --- Bad days ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OperationalError("no such table: catalog_track"), 503, "manage.py migrate` first."),
        (OperationalError("connection to server at postgres://u:hunter2@db failed"), 503, "Check DATABASE_URL"),
        (KeyError("hunter2"), 500, "The reason stands in the program"),
    ],
)
def test_a_page_that_fails_says_one_sentence_and_nothing_of_the_inside(
    reader: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("catalog.reports.status.snapshot", fail)
    reader.raise_request_exception = False
    page = reader.get("/")
    assert page.status_code == code and said in html.unescape(page.content.decode())
    program = reader.get("/status")
    assert program.status_code == code and said in program.json()["error"]
    for answer in (page, program):
        assert b"hunter2" not in answer.content and b"Traceback" not in answer.content


def test_healthz_is_503_where_the_database_is_not_there(
    db: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(now: object) -> None:
        raise OperationalError("no such table: catalog_cluster")

    monkeypatch.setattr("catalog.reports.status.workers_state", fail)
    answer = client.get("/healthz")
    assert answer.status_code == 503 and "migrate" in answer.json()["problem"]


def test_an_account_that_wants_attention_is_said_to_those_who_are_logged_in(world, admin_client, client, settings):
    settings.STATUS_PUBLIC = True
    Account.objects.create(user_id="ben", name="Ben", state=Account.State.PREMIUM, reason="Its owner has no Premium.")
    assert "Its owner has no Premium." in admin_client.get("/").content.decode()
    assert "Premium" not in client.get("/").content.decode()
