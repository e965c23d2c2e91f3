"""What YouTube's hosts may answer, over TLS, to real yt-dlp and deno: what the row, the service and the page say.

Each answer stands in docs/youtube.md with the same kind.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from catalog.models import Service, Track
from downloads.failures.kinds import ERROR_KINDS, SERVICE
from downloads.fetch.fork_server import ForkServer
from downloads.models import Candidate
from downloads.search import sources
from downloads.worker import attempt, loop
from tests.downloads.changed_fork_server import changed_server
from tests.downloads.failures.test_youtube_answers import PAGE, line
from tests.downloads.loopback import Answer, sends, sends_json, status
from tests.fakes.youtube.recordings import Recording
from tests.fakes.youtube.site import Site
from tests.world import World

SONG = Recording("aaaaaaaaaaa", "Etude", ("Test Choir",), "First", seconds=8.0)
Arrange = Callable[[Site], None]


@pytest.fixture(scope="module")
def fork_server() -> ForkServer:
    return ForkServer()


@pytest.fixture
def site(tmp_path, settings: LazySettings, monkeypatch, fork_server: ForkServer) -> Iterator[Site]:
    """The stand-in, whom the settings lead to; its player needs no deno unless a test wants it to."""
    folder = tmp_path / "site"
    folder.mkdir()
    stand_in = Site(folder, [SONG])
    stand_in.has_challenges = False
    monkeypatch.setattr(attempt, "FORK_SERVER", fork_server)
    with stand_in.serve():
        settings.AUDIO_SOURCE = "youtube"
        settings.YOUTUBE_PROXY, settings.CA_FILE = stand_in.proxy.url, str(stand_in.proxy.ca_file)
        sources._source.cache_clear()
        yield stand_in
    sources._source.cache_clear()


def wanted(world: World, recording: Recording = SONG) -> Track:
    return world.make_track(recording.title, artist=recording.artists[0], duration_ms=round(recording.seconds * 1000))


def at(place: str, answer: Answer) -> Arrange:
    return lambda site: site.answers.__setitem__(place, answer)


def everywhere(answer: Answer) -> Arrange:
    """On the watch page, and wherever else www.youtube.com is asked about a recording."""
    return lambda site: site.answers.update(dict.fromkeys(("page", "next", "player"), answer))


def playable(state: str, reason: str, **more: Any) -> Arrange:
    """Every client's player answers this, without formats."""

    def change(client: str, answer: dict[str, Any]) -> dict[str, Any]:
        details = {"videoDetails": answer["videoDetails"] | more.get("details", {})}
        return {"playabilityStatus": {"status": state, "reason": reason}} | details

    return lambda site: setattr(site, "change_player", change)


def formats(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Arrange:
    def changed(client: str, answer: dict[str, Any]) -> dict[str, Any]:
        rows = answer["streamingData"]["adaptiveFormats"]
        return answer | {"streamingData": {"adaptiveFormats": [change(row) for row in rows]}}

    return lambda site: setattr(site, "change_player", changed)


def without_address(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in {"url", "signatureCipher"}}


def other_video(client: str, answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"videoDetails": answer["videoDetails"] | {"videoId": "bbbbbbbbbbb"}}


def closes(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.close()


def cut(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "audio/mp4")
    handler.send_header("Content-Length", "400000")
    handler.end_headers()
    handler.wfile.write(b"\0" * 5000)
    closes(handler)


def leads_to(address: str) -> Answer:
    return status(302, Location=address)


def solver(**changes: bool) -> Arrange:
    return lambda site: site.__dict__.update(changes)


SORRY = "https://www.google.com/sorry/index?continue=https://www.youtube.com/"
BOT = "Sign in to confirm you\u2019re not a bot"
NO_RESULTS = sends_json({"contents": {}})
EMPTY = sends(b"", "text/html")

# The answer in the words of docs/youtube.md, how the site gives it, the kind.
ANSWERS: list[tuple[str, Arrange, str]] = [
    ("bot check", playable("LOGIN_REQUIRED", BOT), "bot_check"),
    ("captcha page", playable("LOGIN_REQUIRED", "Please solve the captcha"), "bot_check"),
    ("page leads to google.com/sorry", everywhere(leads_to(SORRY)), "bot_check"),
    ("player leads to google.com/sorry", at("player", leads_to(SORRY)), "bot_check"),
    ("search leads to google.com/sorry", at("search", leads_to(SORRY)), "bot_check"),
    ("all answers are of another video", lambda site: setattr(site, "change_player", other_video), "bot_check"),
    ("page answers 429", everywhere(status(429)), "rate_limit"),
    ("player answers 429", at("player", status(429)), "rate_limit"),
    ("media host answers 429", at("media", status(429)), "rate_limit"),
    ("search answers 429", at("search", status(429)), "rate_limit"),
    (
        "session limit",
        playable("UNPLAYABLE", "This content isn't available, try again later."),
        "rate_limit",
    ),
    ("please sign in", playable("LOGIN_REQUIRED", "Please sign in"), "login"),
    ("player answers 403, page is fine", at("player", status(403)), "server"),
    ("player answers 400, page is fine", at("player", status(400)), "server"),
    ("player answers 503, page is fine", at("player", status(503)), "server"),
    ("player answers 403, page too", everywhere(status(403)), "server"),
    ("page answers 503", everywhere(status(503)), "server"),
    ("media host answers 403", at("media", status(403)), "server"),
    ("media host answers 503", at("media", status(503)), "server"),
    ("player resets the connection", at("player", closes), "network"),
    ("SABR only", formats(without_address), "no_formats"),
    ("the recording is copy-protected", formats(lambda row: row | {"drmFamilies": ["WIDEVINE"]}), "drm"),
    ("no formats, no reason", formats(lambda row: {}), "no_formats"),
    ("n challenge not solved", solver(has_challenges=True, script_is_broken=True, headset=False), "outdated"),
    ("the page needs to be reloaded", playable("ERROR", "The page needs to be reloaded."), "outdated"),
    ("changed JSON", at("player", sends(b"<html>", "application/json")), "outdated"),
    ("empty answers", everywhere(EMPTY), "server"),
    ("private", playable("LOGIN_REQUIRED", "Private video"), "private"),
    ("removed", playable("ERROR", "This video has been removed by the uploader"), "removed"),
    ("terminated account", playable("ERROR", "The YouTube account has been terminated"), "removed"),
    (
        "not in this country",
        playable("UNPLAYABLE", "The uploader has not made this video available in your country"),
        "geo",
    ),
    ("age", playable("LOGIN_REQUIRED", "Sign in to confirm your age"), "age"),
    (
        "members only",
        playable("UNPLAYABLE", "Join this channel to get access to members-only content"),
        "members",
    ),
    ("Music Premium", playable("UNPLAYABLE", "This video is only available to Music Premium members"), "members"),
    (
        "live",
        playable("LIVE_STREAM_OFFLINE", "This live event will begin in 3 hours.", details={"isUpcoming": True}),
        "live",
    ),
    ("premiere", playable("LIVE_STREAM_OFFLINE", "Premieres in 3 hours", details={"isUpcoming": True}), "live"),
    ("not available (music's usual block)", playable("UNPLAYABLE", "This video is not available"), "unavailable"),
    ("reset in the middle", at("media", cut), "network"),
    ("closed early", at("media", cut), "network"),
    ("certificate not trusted", lambda site: setattr(site.proxy, "untrusted", True), "certificate"),
    ("proxy refuses", lambda site: setattr(site.proxy, "refusal", 407), "proxy"),
    ("media host leads to another site", at("media", leads_to("https://evil.example/sound")), "foreign_host"),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(("answer", "arrange", "kind"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_an_answer_is_told_right_costs_what_it_should_and_bars_nothing(
    world: World, site: Site, rf, answer: str, arrange: Arrange, kind: str
) -> None:
    track = wanted(world)
    arrange(site)
    outcome = loop.work_one(now=lambda: world.now)
    assert outcome is not None
    assert (outcome.error_kind, outcome.message) == (kind, outcome.message), outcome.message
    track.refresh_from_db()
    service = Service.objects.named("audio")
    everybodys = ERROR_KINDS[kind].fault == SERVICE
    assert outcome.result == ("released" if everybodys else "failed")
    assert "Retrying" not in outcome.message and "('" not in outcome.message
    assert track.attempts == (0 if everybodys else 1)
    assert service.is_paused(world.now) == everybodys
    assert (ERROR_KINDS[kind].sentence in service.reason) == everybodys
    assert not any(word in outcome.message for word in ("--", "caused by", "http://", "https://", "report this"))
    assert not track.candidates.filter(verdict=Candidate.Verdict.DISPROVED).exists()
    if not everybodys:
        assert track.error_kind == kind and track.last_error == outcome.message
    assert f"| {answer} |" in PAGE.read_text() and line(answer, kind) in PAGE.read_text()
    assert set(site.proxy.outside) == set()


def test_a_song_arrives_by_the_clients_that_need_no_solver(world: World, site: Site) -> None:
    track = wanted(world)
    outcome = loop.work_one(now=lambda: world.now)
    assert outcome is not None and outcome.result == "downloaded", outcome
    track.refresh_from_db()
    assert track.status == "downloaded"
    assert site.proxy.outside == []


def trickles(handler: BaseHTTPRequestHandler) -> None:
    """Some 5 kB a second, until nobody listens any more."""
    handler.send_response(200)
    handler.send_header("Content-Type", "audio/mp4")
    handler.send_header("Content-Length", "400000")
    handler.end_headers()
    while True:
        handler.wfile.write(b"\0" * 512)
        threading.Event().wait(0.1)


def announces_twice(client: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The list of formats names twice the bytes that there are."""
    rows = answer["streamingData"]["adaptiveFormats"]
    longer = [row | {"contentLength": str(2 * int(row["contentLength"]))} for row in rows]
    return answer | {"streamingData": {"adaptiveFormats": longer}}


# What the fetch finds out by itself; its minute is half a second here.
FOUND_OUT: list[tuple[str, Arrange, str]] = [
    ("trickle", at("media", trickles), r"Only \d\.\d kB arrived per second\."),
    (
        "truncated",
        lambda site: setattr(site, "change_player", announces_twice),
        r"Only [\d,]+ of [\d,]+ bytes arrived\.",
    ),
]


@pytest.mark.long
@pytest.mark.parametrize(("answer", "arrange", "words"), FOUND_OUT, ids=[row[0] for row in FOUND_OUT])
def test_what_the_fetch_finds_out_costs_the_song_an_attempt_and_bars_nothing(
    world: World, site: Site, monkeypatch, answer: str, arrange: Arrange, words: str
) -> None:
    impatient = changed_server(monkeypatch, "from downloads.fetch import child\nchild.SLOW_SECONDS = 0.5\n")
    monkeypatch.setattr(attempt, "FORK_SERVER", impatient)
    track = wanted(world)
    arrange(site)
    outcome = loop.work_one(now=lambda: world.now)
    assert outcome is not None and re.fullmatch(words, outcome.message), outcome
    track.refresh_from_db()
    assert (track.error_kind, track.attempts) == ("network", 1)
    assert not Service.objects.named("audio").is_paused(world.now)
    assert not track.candidates.filter(verdict=Candidate.Verdict.DISPROVED).exists()
    assert line(answer, "network") in PAGE.read_text()


@pytest.mark.long
@pytest.mark.parametrize("is_there", [True, False])
def test_without_deno_a_song_arrives_and_one_that_is_not_to_be_had_pauses_nobody(
    world: World, site: Site, monkeypatch, is_there: bool
) -> None:
    bare = changed_server(monkeypatch, "from downloads.fetch import ytdlp\nytdlp.find_deno = lambda: ''\n")
    monkeypatch.setattr(attempt, "FORK_SERVER", bare)
    site.has_challenges = True
    if not is_there:
        playable("UNPLAYABLE", "This video is not available")(site)
    wanted(world)
    outcome = loop.work_one(now=lambda: world.now)
    assert outcome is not None
    assert (outcome.result, outcome.error_kind) == (("downloaded", "") if is_there else ("failed", "unavailable"))
    assert not Service.objects.named("audio").is_paused(world.now)


# Answers of the search and of the page after which the song arrives all the same.
HARMLESS: list[tuple[str, Arrange]] = [
    ("consent page instead of the watch page", at("page", sends(b"<html>Before you continue</html>", "text/html"))),
    ("page answers 403, player is fine", at("page", status(403))),
    ("one client is refused, another plays", lambda site: setattr(site, "change_player", lambda client, answer: (
        {"playabilityStatus": {"status": "LOGIN_REQUIRED", "reason": BOT}, "videoDetails": answer["videoDetails"]}
        if client == "TVHTML5" else answer))),
    ("challenges, solved by deno", solver(has_challenges=True)),
    ("challenges not solved, one client needs none", solver(has_challenges=True, script_is_broken=True)),
    ("media host leads to a mirror", lambda site: setattr(site, "mirrors", True)),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(("answer", "arrange"), HARMLESS, ids=[row[0] for row in HARMLESS])
def test_an_answer_after_which_the_song_arrives(world: World, site: Site, answer: str, arrange: Arrange) -> None:
    wanted(world)
    arrange(site)
    outcome = loop.work_one(now=lambda: world.now)
    assert outcome is not None and outcome.result == "downloaded", outcome
    assert f"| {answer} |" in PAGE.read_text()


@pytest.mark.long
def test_an_hour_without_the_player_bans_nothing_asks_little_and_then_all_songs_arrive(
    world: World, site: Site
) -> None:
    for number in range(12):
        recording = Recording(
            f"song{number:07}", f"Etude {number}", ("Test Choir",), "First", 8.0, tone=300 + 40 * number
        )
        site.recordings[recording.id] = recording
        wanted(world, recording)
    site.answers["player"] = status(403)
    begin = world.now
    while world.now < begin + timedelta(hours=1):
        while loop.work_one(now=lambda: world.now) is not None:
            world.now += timedelta(seconds=5)
        world.now += timedelta(minutes=1)
    asked = [each.place for each in site.asked]
    assert len(asked) <= 40, asked
    assert not Candidate.objects.filter(verdict=Candidate.Verdict.DISPROVED).exists()
    site.answers.clear()
    while Track.objects.filter(title__startswith="Etude", status="missing").exists():
        assert world.now < begin + timedelta(days=1), list(Track.objects.values("title", "error_kind", "retry_after"))
        while loop.work_one(now=lambda: world.now) is not None:
            world.now += timedelta(seconds=10)
        world.now += timedelta(minutes=10)
    assert not Candidate.objects.filter(verdict=Candidate.Verdict.DISPROVED).exists()
    assert Track.objects.filter(title__startswith="Etude", status="downloaded").count() == 12


@pytest.mark.long
def test_two_songs_are_asked_for_by_one_guest_who_loads_the_player_once(world: World, site: Site) -> None:
    site.has_challenges = True
    second = Recording("ccccccccccc", "Prelude", ("Test Choir",), "First", 8.0, tone=700)
    site.recordings[second.id] = second
    wanted(world)
    wanted(world, second)
    for _ in range(2):
        outcome = loop.work_one(now=lambda: world.now)
        assert outcome is not None and outcome.result == "downloaded", outcome
        world.now += timedelta(seconds=10)
    pages = [asked.cookies for asked in site.asked if asked.place == "page"]
    assert ["VISITOR_INFO1_LIVE=stand-in" in cookies for cookies in pages] == [False, True]
    assert (site.asked_for("script"), site.asked_for("home")) == (1, 1)
    assert site.asked_for("media") == 2


@pytest.mark.long
def test_a_guest_who_was_refused_does_not_come_back_as_the_same(world: World, site: Site) -> None:
    wanted(world)
    kept = sources.source().connection().guest_cookies
    Path(kept).parent.mkdir()
    Path(kept).write_text("# Netscape HTTP Cookie File\n")
    playable("LOGIN_REQUIRED", BOT)(site)
    assert loop.work_one(now=lambda: world.now).result == "released"
    assert not Path(kept).exists()
