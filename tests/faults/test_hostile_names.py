"""Every naughty name there is, as title, artist, album, playlist, file name and error text, all the way through."""

from __future__ import annotations

import json
import logging
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.ingest.replace import replace_catalog
from catalog.library import playlist_files
from catalog.library.reconcile import reconcile
from catalog.models import Collection, Event, Service, Track
from catalog.music.records import PLAYLIST, CollectionRecord, EntryRecord, TrackRecord
from catalog.tracks import transitions
from config.log_redaction import RedactingFormatter
from downloads.failures.kinds import DownloadError
from downloads.matching.features import SearchResult
from downloads.publishing import publish, staging, tagging
from downloads.search import candidates
from downloads.worker import loop
from tests.crash.workspace import SERVER, Workspace
from tests.shared import SHARED_DATA, needs_shared

pytestmark = pytest.mark.long

# Names that only a test makes up: databases, terminals, logs and disks each have their own.
MADE_UP = [
    *("\x00", "a\x00b", "\ud800", "half \udfff pair", "\x1b[2J\x1b]0;owned\x07", "\x9b31m"),
    *("line\nbreak", "fake\r\n2026-11-22 00:00:00,000 ERROR root: all is lost", "\u2028", "\u202etxt.exe", "\u2066"),
    *("..", ".", "/", "../../../etc/passwd", "..\\..\\x", "~", "$(id)", "`id`", "=1+1", "@SUM(A1)", "+1", "-1"),
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "{% debug %}", "javascript:alert(1)"),
    *("a" * 5000, "ä" * 300, "👩‍👩‍👧‍👦" * 60, "가" * 400, "e" + "\u0301" * 400, " ", "\u200b", "\ufeff", "\ufffe"),
    *("Ecole", "ecole", "École", "E\u0301cole", "ÉCOLE", "straße", "STRASSE", "ﬁn", "fin", "CON", "nul.mp3", "aux. "),
    *(
        "#EXTM3U",
        "# comment",
        ".hidden",
        ".tonekeep",
        ".tonekeep-incoming",
        ".incoming",
        "Playlists",
        ".bin",
        "x.mp3",
        "100%",
        "%s%n",
        "%2e%2e",
    ),
]


@cache
def names() -> tuple[str, ...]:
    """All of them, each once; the recorded ones only where they are there."""
    found = list(MADE_UP)
    if SHARED_DATA.is_dir():
        nasty = SHARED_DATA / "nasty"
        found += json.loads((nasty / "blns.json").read_text())
        found += [row["text"] for row in json.loads((nasty / "real_music_names.json").read_text())]
        reported = json.loads((nasty / "reported_names.json").read_text())
        found += [row["text"] for row in reported["reported"]] + reported["general_knowledge_unsourced"]
        found += json.loads((nasty / "exportify_file_names.json").read_text())
    return tuple(dict.fromkeys(found))


def records(texts: tuple[str, ...]) -> Iterator[CollectionRecord]:
    """A playlist for each text, of that name, with one track; each text is once title, once artist, once album."""
    count = len(texts)
    for number, text in enumerate(texts):
        track = TrackRecord(
            title=text if text.strip("\x00 ") else f"No title {number}",  # sources call that unreadable
            artists=(texts[(number + 1) % count],),
            album=texts[(number + 2) % count],
            album_artists=(texts[(number + 3) % count],),
            duration_ms=1000,
            spotify_id=f"{number:022}",
        )
        yield CollectionRecord(PLAYLIST, f"{number:022}", text, [EntryRecord(track)], account="anna", owner=text)


def offer_each(workspace: Workspace) -> None:
    """A recording for every missing track, under the very words that the track has."""
    for track in Track.objects.missing():
        wish = candidates.query_for(track)
        answer = SearchResult(
            id="1",
            title=track.title or "x",
            artists=wish.artists,
            album=wish.album,
            duration_ms=1000,
            url=f"{SERVER}/1.mp3",
        )
        candidates.keep(track, wish, [answer], workspace.world.now)


def fetch_all(workspace: Workspace) -> None:
    while loop.work_one(now=lambda: workspace.world.now) is not None:
        pass


def publish_all(workspace: Workspace) -> None:
    """What a worker does once it has fetched: tags, stage, place; without the search, for the sake of time."""
    sound = (workspace.recordings / "1.mp3").read_bytes()
    while (track := transitions.claim(workspace.world.now)) is not None:
        path = Path(staging.open_stage(track)) / "audio.mp3"
        path.write_bytes(sound)
        tagging.write_tags(track, str(path))
        publish.publish(track, publish.Staged(str(path), path.stat().st_size, "mp3"), lambda: workspace.world.now)
        staging.clear_stage(track)


def files_below(root: Path) -> list[Path]:
    return [Path(folder) / name for folder, _, names_there in os.walk(root) for name in names_there]


def judge_files(workspace: Workspace) -> None:
    """Everything is inside, every name fits a disk, and no two are one file on any disk."""
    assert {path.name for path in workspace.folder.iterdir()} == {"music", "data", "fetches.log"}
    there = [str(path.relative_to(workspace.root)) for path in files_below(workspace.root)]
    assert all(len(part.encode()) <= 255 for path in there for part in path.split("/"))
    assert not any(ord(char) < 32 or ord(char) == 127 for path in there for char in path)
    for form in ("NFC", "NFD"):
        assert len({unicodedata.normalize(form, path).casefold() for path in there}) == len(there)
    rows = Track.objects.filter(status="downloaded").values_list("local_path", "size")
    for path, size in rows:
        assert os.path.realpath(path).startswith(f"{os.path.realpath(workspace.root)}/")
        assert os.lstat(path).st_size == size


# --- The whole way ----------------------------------------------------------------------------------------


@needs_shared
def test_every_recorded_name_goes_all_the_way_and_none_gets_out(workspace: Workspace, client: Client) -> None:
    texts = names()
    assert len(texts) > 1200
    assert replace_catalog(records(texts), workspace.world.now).complete
    publish_all(workspace)
    judge_all(workspace, client, every=40)


def test_names_made_up_to_do_harm_go_through_a_whole_worker(workspace: Workspace, proven: None, client: Client) -> None:
    assert replace_catalog(records(tuple(MADE_UP)), workspace.world.now).complete
    offer_each(workspace)
    fetch_all(workspace)
    judge_all(workspace, client, every=3)


def judge_all(workspace: Workspace, client: Client, every: int) -> None:
    assert list(Track.objects.missing().values_list("title", "last_error")) == []
    judge_files(workspace)
    report = reconcile(workspace.world.later(hours=1), full=True, sizes=True)
    assert (report.complete, report.vanished, report.restored, report.other_size) == (True, 0, 0, 0)
    judge_playlists(workspace)
    judge_pages(client, Track.objects.values_list("pk", flat=True)[::every])


def judge_playlists(workspace: Workspace) -> None:
    report = playlist_files.write_playlists(workspace.world.now)
    assert (report.problem, report.blocked) == ("", [])
    judge_files(workspace)
    folder = workspace.root / "Playlists"
    written = [path for path in folder.iterdir() if path.is_file()]  # an artist may be called Playlists
    assert len(written) == Collection.objects.count()
    for path in written:
        text = path.read_bytes().decode()
        lines = text.split("\n")
        assert lines[0] == "#EXTM3U" and lines[2] == playlist_files.MARK and lines[-1] == ""
        for head, place in zip(lines[3:-1:2], lines[4::2], strict=True):
            assert head.startswith("#EXTINF:") and (folder / place).is_file(), path


# --- Pages and admin --------------------------------------------------------------------------------------


class Acts(HTMLParser):
    """Everything in a page that a browser would act on."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        if tag in {"iframe", "object", "embed", "base", "svg", "math", "audio", "video", "applet", "marquee"}:
            self.found.append(tag)
        if tag == "script":
            self.found.append(f"script {named.get('src')}")
        if tag == "img":
            self.found.append(f"img {named.get('src')}")
        for name, value in named.items():
            if name.startswith("on") or name == "srcdoc":
                self.found.append(f"{tag} {name}")
            target = "".join(char for char in (value or "") if char > " ").lower()
            if name in {"href", "src", "action", "formaction"} and target.startswith(("javascript:", "data:", "//")):
                self.found.append(f"{tag} {name}={value}")


LISTS = ("/", "/queue", "/tracks", "/artists", "/albums", "/decide", "/adopt", "/import", "/tracks?status=failed")
ADMIN = ("track", "artist", "album", "collection", "event", "service", "run")


def judge_pages(client: Client, tracks: Any, most: int = 40) -> None:
    """No page breaks, and none has anything to act on that it has not on a harmless library."""
    client.force_login(User.objects.create_superuser("admin", "", "secret"))
    harmless = {act for path in (*LISTS, *_admin(client)) for act in Acts(_get(client, path)).found}
    seen = 0
    for path in (*LISTS, *_admin(client), *(f"/tracks/{pk}" for pk in tracks)):
        for page in islice(_pages(client, path), most):
            new = [act for act in Acts(page).found if act not in harmless]
            assert [act for act in new if not re.fullmatch(r"script /static/.*|img /covers/\d+", act)] == [], path
            assert "alert(1)</script>" not in page and "<script>alert" not in page, path
            seen += 1
    assert seen > 20
    snapshot = json.loads(client.get("/status").content)
    assert snapshot["counters"]["songs"] == Track.objects.wanted().count()


def _get(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def _pages(client: Client, path: str) -> Iterator[str]:
    page = _get(client, path)
    yield page
    while 'rel="next" href="' in page:
        onward = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        page = _get(client, path.partition("?")[0] + onward if onward.startswith("?") else onward)
        yield page


def _admin(client: Client) -> list[str]:
    found = [f"/admin/catalog/{name}/" for name in ADMIN]
    return [path for path in found if client.get(path).status_code == 200]


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "%", "'", "\\", "<script>", "\x1b[2J", "é" * 3000])
def test_no_question_in_an_address_breaks_a_page(workspace: Workspace, client: Client, text: str) -> None:
    client.force_login(User.objects.create_superuser("admin", "", "secret"))
    asked = text.encode("utf-8", "surrogatepass").decode("latin-1")
    for path in ("/tracks", "/queue", "/artists", "/albums", "/admin/catalog/track/", "/decide"):
        for parameter in ("q", "status", "after", "error", "view", "artist", "collection"):
            answer = client.get(path, {parameter: asked}, follow=True)
            assert answer.status_code in {200, 400, 404}, f"{path}?{parameter}"
            assert "<script>" not in answer.content.decode().replace("<script>\n", ""), path


def test_a_form_with_a_nul_in_it_is_refused_in_a_sentence(workspace: Workspace, client: Client) -> None:
    client.force_login(User.objects.create_superuser("admin", "", "secret"))
    track = workspace.track()
    answer = client.post(f"/decide/{track.pk}/search", {"words": "a\x00b"})
    assert (answer.status_code, answer.content.decode()[-1]) == (400, ".")


# --- Error texts and logs ---------------------------------------------------------------------------------


def test_every_name_as_an_error_text_is_stored_shown_and_logged_in_one_line(
    workspace: Workspace, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [text for text in names() if text.strip("\x00 ")][:150]
    said = iter(texts)

    def refuse(*_: object, **__: object) -> None:
        raise DownloadError("unavailable", next(said))

    monkeypatch.setattr("downloads.fetch.process.fetch", refuse)
    monkeypatch.setattr("downloads.failures.circuit_breaker.IN_A_ROW", 1000)  # equal failures would pause fetching
    for number in range(len(texts)):
        workspace.world.make_track(f"Song {number}", number=number, duration_ms=1000)
    offer_each(workspace)
    fetch_all(workspace)
    assert Track.objects.failed().count() == len(texts)
    for text in Track.objects.failed().values_list("last_error", flat=True):
        assert text.isprintable() or not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text), repr(text)
        assert "\u2028" not in text and "\u202e" not in text
    Service.objects.pause(
        "audio", workspace.world.now, DownloadError("rate_limit", texts[0]).message, now=workspace.world.now
    )
    judge_pages(client, Track.objects.failed().values_list("pk", flat=True)[:40])
    assert Event.objects.filter(kind="fail").count() == len(texts)


def test_no_text_writes_a_line_of_the_log_or_gives_orders_to_a_terminal() -> None:
    formatter = RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s", ["hunter2hunter2"])
    for text in names():
        for fault in (None, ValueError(text)):
            record = logging.LogRecord(
                "downloads.worker.attempt", logging.INFO, __file__, 1, "Failed: %s", (text,), None
            )
            if fault:
                record.exc_info = (type(fault), fault, fault.__traceback__)
            head, *rest = formatter.format(record).split("\n")
            assert " INFO downloads.worker.attempt: Failed: " in head
            assert all(line.startswith("  ") for line in rest) and bool(rest) == bool(fault)
            shown = "".join([head, *rest])
            assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown), repr(text)
            assert not any(char in shown for char in "\u2028\u2029\u202e\u2066")
            shown.encode()  # a handler writes UTF-8


# --- What nobody has thought of ---------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(ANY_TEXT, min_size=4, max_size=6, unique=True))
def test_any_text_at_all_is_stored_named_and_put_inside(workspace: Workspace, texts: list[str]) -> None:
    assert replace_catalog(records(tuple(texts)), workspace.world.now).complete
    publish_all(workspace)
    assert not Track.objects.missing().exists()
    judge_files(workspace)


@pytest.mark.parametrize("column", ["title", "album", "label", "name", "owner", "key", "problem", "artists"])
@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "a\udcffb"])
def test_what_a_database_refuses_is_taken_out_at_the_door(workspace: Workspace, column: str, text: str) -> None:
    parts: dict[str, Any] = {"title": "Song", "artists": ("Singer",), "album": "Album"}
    own: dict[str, Any] = {"key": "key", "name": "name"}
    entry = EntryRecord(reason="local", label=text)
    if column in parts:
        parts[column] = (text,) if column == "artists" else text
        entry = EntryRecord(TrackRecord(**parts))
    elif column != "label":
        own[column] = text
    replace_catalog([CollectionRecord(PLAYLIST, entries=[entry], **own)], workspace.world.now)
    again = replace_catalog([CollectionRecord(PLAYLIST, entries=[entry], **own)], workspace.world.now)
    assert again.as_dict()["added"] == again.as_dict()["gone"] == 0, "it is recognised the next time"
    assert Collection.objects.get(kind=PLAYLIST).entries.count() == 1


DOORS: dict[str, Callable[[Workspace, Track, str], object]] = {
    "a worker's failure": lambda workspace, track, text: transitions.fail(
        track.pk,
        track.claim or "",
        "unknown",
        DownloadError("unknown", text).message,
        workspace.world.now,
        workspace.world.now,
    ),
    "a service's pause": lambda workspace, track, text: Service.objects.pause(
        "audio", workspace.world.now, DownloadError("rate_limit", text).message, now=workspace.world.now
    ),
    "a candidate": lambda workspace, track, text: candidates.keep(
        track,
        candidates.query_for(track),
        [
            SearchResult(id=text, title=text, artists=(text,), album=text, duration_ms=1000, url=SERVER),
            SearchResult(id=text.replace("\x00", ""), title="Another", artists=("x",), url=SERVER),
        ],
        workspace.world.now,
    ),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_what_a_server_says_never_breaks_a_write(workspace: Workspace, door: str, text: str) -> None:
    workspace.track()
    claimed = transitions.claim(workspace.world.now)
    assert claimed
    DOORS[door](workspace, claimed, text)
