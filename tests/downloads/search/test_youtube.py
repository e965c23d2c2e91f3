"""YouTube Music on loopback: ytmusicapi asks and parses for real, the answers are recorded or made here."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from downloads.failures.kinds import DownloadError
from downloads.fetch import process
from downloads.matching.features import TrackQuery
from downloads.matching.score import choose
from downloads.search import youtube, youtube_music
from downloads.search.youtube import YouTubeSource
from downloads.search.youtube_music import queries, result_of, views_of
from tests.downloads.loopback import Answer, Loopback, sends, sends_json, status
from tests.fakes.youtube.music import results
from tests.fakes.youtube.recorded import in_english, recorded
from tests.fakes.youtube.recordings import Recording
from tests.shared import SHARED_DATA, needs_shared

SEARCH = "/youtubei/v1/search"
WISH = TrackQuery("Bigmouth Strikes Again - 2011 Remaster", ("The Smiths",), "The Queen Is Dead", 192_000)


class Detour(HTTPAdapter):
    """Sends what is meant for music.youtube.com to a server on loopback."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        assert request.url
        request.url = request.url.replace("https://music.youtube.com", self._url)
        return super().send(request, *args, **options)


def no_fallback(query: str) -> list[dict[str, Any]]:
    raise AssertionError("the fallback is not needed here")


def source(server: Loopback, fallback: Callable[[str], list[dict[str, Any]]] = no_fallback) -> YouTubeSource:
    session = requests.Session()
    session.mount("https://music.youtube.com", Detour(server.url))
    server.routes.setdefault("/", sends(b'<script>ytcfg.set({"VISITOR_DATA": "visitor"});</script>', "text/html"))
    return YouTubeSource(session=session, fallback=fallback)


def asked(server: Loopback) -> list[tuple[str, str]]:
    """The searches in order: query and ytmusicapi's parameter for the filter ("" without one)."""
    bodies = [json.loads(body) for line, body in zip(server.asked, server.bodies, strict=True) if SEARCH in line]
    return [(body["query"], body.get("params", "")) for body in bodies]


def by_turns(*answers: Answer) -> Answer:
    """One answer after the other, the last one for ever."""
    waiting = list(answers)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(handler)

    return answer


NOTHING = sends_json({})


def first_pages(kind: str | None) -> list[dict[str, Any]]:
    return [row for row in recorded() if row["filter"] == kind and not row["continuation"]]


def expected(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The candidates that another parser of the same answers found for the same track."""
    for name in ("dev", "dev_weak", "dev_unlabelled", "dev_negative"):
        for line in (SHARED_DATA / "matching" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            if case["spotify"]["id"] == row["spotify_id"]:
                return {candidate["id"]: candidate for candidate in case["candidates"]}
    return {}


@needs_shared
@pytest.mark.parametrize("kind", ["songs", "videos"])
def test_recorded_answers_give_the_candidates_that_another_parse_gave(kind: str) -> None:
    pages = first_pages(kind)
    rows = 0
    for page in pages:
        with Loopback({SEARCH: sends_json(in_english(page))}) as server:
            found = source(server).search(TrackQuery("\N{MUSICAL SYMBOL G CLEF}", ()))
        known = expected(page)
        assert found
        rows += len(found)
        for candidate in found:
            right = known[candidate.id]
            assert candidate.title == right["title"]
            assert candidate.duration_ms == right["duration_s"] * 1000
            assert list(candidate.artists)[: len(right["artists"])] == right["artists"]
            assert candidate.album == (right["album"] or "")
            assert candidate.url == f"https://www.youtube.com/watch?v={candidate.id}"
    assert rows >= 20


@needs_shared
def test_a_recorded_search_by_isrc_finds_what_youtube_knows_under_it() -> None:
    pages = first_pages(None)
    for page in pages:
        with Loopback({SEARCH: by_turns(sends_json(in_english(page)), NOTHING)}) as server:
            rows = source(server, lambda query: []).search(TrackQuery("x", ("y",), isrc=page["query"]))
            assert asked(server)[0] == (page["query"], "")
        known = [name for name, row in expected(page).items() if any(seen[1] == "isrc" for seen in row["seen"])]
        assert {row.id for row in rows} == set(known)
    assert len(pages) >= 20


@needs_shared
def test_the_plan_ends_as_soon_as_a_candidate_fits() -> None:
    page = next(page for page in first_pages("songs") if "bigmouth" in page["query"])
    with Loopback({SEARCH: sends_json(in_english(page))}) as server:
        found = source(server).search(WISH)
        assert len(asked(server)) == 1
    assert choose(WISH, found) is not None


def song(name: str, title: str = "Song", artist: str = "Artist", length: str = "3:20") -> dict[str, Any]:
    """One result as YouTube Music sends it, as little of it as ytmusicapi reads."""

    def column(*runs: str) -> dict[str, Any]:
        texts: list[dict[str, Any]] = [{"text": run} for run in runs]
        texts[0]["navigationEndpoint"] = {"browseEndpoint": {"browseId": "UC"}}  # a name is a link
        return {"musicResponsiveListItemFlexColumnRenderer": {"text": {"runs": texts}}}

    play = {"watchEndpoint": {"videoId": name}}
    return {
        "musicResponsiveListItemRenderer": {
            "overlay": {
                "musicItemThumbnailOverlayRenderer": {
                    "content": {"musicPlayButtonRenderer": {"playNavigationEndpoint": play}}
                }
            },
            "flexColumns": [column(title), column(artist, " • ", length)],
            "thumbnail": {"musicThumbnailRenderer": {"thumbnail": {"thumbnails": []}}},
            "menu": {"menuRenderer": {"items": []}},
        }
    }


def shelf(kind: str, *rows: dict[str, Any]) -> Answer:
    contents = [{"musicShelfRenderer": {"title": {"runs": [{"text": kind}]}, "contents": list(rows)}}]
    tab = {"tabRenderer": {"content": {"sectionListRenderer": {"contents": contents}}}}
    return sends_json({"contents": {"tabbedSearchResultsRenderer": {"tabs": [tab]}}})


def test_songs_come_before_videos_and_each_id_once() -> None:
    one = song("aaaaaaaaaaa", "Quite another"), song("bbbbbbbbbbb", "Another still")
    answers = by_turns(shelf("Songs", *one), shelf("Videos", song("ccccccccccc", "Live"), one[0]), NOTHING)
    with Loopback({SEARCH: answers}) as server:
        found = source(server).search(TrackQuery("Song", ("Artist",), duration_ms=200_000))
    assert [(row.id, row.kind) for row in found] == [
        ("aaaaaaaaaaa", "song"),
        ("bbbbbbbbbbb", "song"),
        ("ccccccccccc", "video"),
    ]
    assert (found[0].artists, found[0].duration_ms) == (("Artist",), 200_000)


def test_the_plan_goes_on_while_nothing_fits_and_asks_nothing_twice() -> None:
    with Loopback({SEARCH: NOTHING}) as server:
        source(server, lambda query: []).search(TrackQuery("Title", ("One", "Two"), "Album", isrc="GBAYE0000001"))
        queries = asked(server)
    assert [query for query, _ in queries] == [
        "GBAYE0000001",
        "One Two Title",
        "One Two Title",
        "One Two Title Album",
        "Title One",
        "Title One",
    ]
    assert len(set(queries)) == len(queries)


def test_questions_leave_out_what_is_unknown_and_stay_short() -> None:
    assert list(queries(TrackQuery("Title", ()))) == [("Title", "songs"), ("Title", "videos")]
    assert list(queries(TrackQuery("", ()))) == []
    long = list(queries(TrackQuery("word " * 200, ("Artist",))))
    assert long and all(len(text) <= 200 and "\n" not in text for text, _ in long)


def test_youtubes_own_search_is_asked_where_youtube_music_finds_nothing() -> None:
    queries: list[str] = []

    def fallback(query: str) -> list[dict[str, Any]]:
        queries.append(query)
        row = {"id": "aaaaaaaaaaa", "title": "Song", "duration": 200.4, "channel": "Artist - Topic", "view_count": 5}
        return [row, {"id": "no id", "title": "x"}, {"id": "bbbbbbbbbbb", "title": "y", "live_status": "is_live"}]

    with Loopback({SEARCH: NOTHING}) as server:
        found = source(server, fallback).search(TrackQuery("Song", ("Artist",)))
    assert queries == ["Artist Song"]
    (row,) = found
    assert (row.id, row.artists, row.duration_ms, row.kind, row.views) == (
        "aaaaaaaaaaa",
        ("Artist",),
        200_400,
        "song",
        5,
    )


@pytest.mark.parametrize("answer", [status(500), sends(b"<html>", "text/html"), sends_json({"contents": {"x": 1}})])
def test_youtubes_own_search_is_asked_where_youtube_music_is_ill(answer: Answer) -> None:
    with Loopback({SEARCH: answer}) as server:
        found = source(server, lambda query: [{"id": "aaaaaaaaaaa", "title": query}]).search(
            TrackQuery("Song", ("Artist",))
        )
        assert len(asked(server)) == 1
    assert [row.title for row in found] == ["Artist Song"]


def test_both_searches_failing_is_said_with_the_first_ones_reason() -> None:
    def fallback(query: str) -> list[dict[str, Any]]:
        raise DownloadError("timeout", "It took too long.")

    with Loopback({SEARCH: status(500)}) as server, pytest.raises(DownloadError) as caught:
        source(server, fallback).search(TrackQuery("Song", ("Artist",)))
    assert (caught.value.kind, caught.value.message) == ("server", "YouTube Music answers 500.")


def test_a_rate_limit_is_final_and_its_time_is_kept() -> None:
    with Loopback({SEARCH: status(429, Retry_After="3600")}) as server:
        with pytest.raises(DownloadError) as caught:
            source(server).search(TrackQuery("Song", ("Artist",)))
        assert len(asked(server)) == 1
    assert (caught.value.kind, caught.value.retry_after) == ("rate_limit", 3600.0)


def test_a_bot_check_in_the_fallback_is_told_as_one() -> None:
    def fallback(query: str) -> list[dict[str, Any]]:
        raise DownloadError("bot_check", "Sign in to confirm you're not a bot.")

    with Loopback({SEARCH: status(500)}) as server, pytest.raises(DownloadError) as caught:
        source(server, fallback).search(TrackQuery("Song", ("Artist",)))
    assert caught.value.kind == "bot_check"


def test_no_connection_is_a_network_error() -> None:
    with Loopback() as server:
        gone = source(server)
    with pytest.raises(DownloadError) as caught:
        gone.search(TrackQuery("Song", ("Artist",)))
    assert caught.value.kind == "network"


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the real session, which heeds no proxy of the machine's either."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
        session = youtube_music._Session(timeout=0.2)
        session.mount("https://music.youtube.com", Detour(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(requests.ReadTimeout):
            session.get("https://music.youtube.com/")
        with pytest.raises(DownloadError) as caught:
            YouTubeSource(session=session).search(TrackQuery("Song", ("Artist",)))
    assert caught.value.kind == "network"


@pytest.mark.django_db
def test_youtubes_own_search_has_a_folder_for_the_child_that_is_gone_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders: list[str] = []

    def listed(query: str, stage: str, **_: object) -> list[dict[str, Any]]:
        folders.append(stage)
        assert os.path.isdir(stage)
        return [{"id": "abcdefghijk", "title": query}]

    monkeypatch.setattr(process, "search", listed)
    assert youtube.search_with_yt_dlp("Song") == [{"id": "abcdefghijk", "title": "Song"}]
    assert len(folders) == 1 and not os.path.exists(folders[0])


@pytest.mark.parametrize(
    "row",
    [
        {"resultType": "artist", "title": "x", "videoId": "aaaaaaaaaaa"},
        {"resultType": "song", "title": "x", "videoId": None},
        {"resultType": "song", "title": "x", "videoId": "../../../etc"},
        {"resultType": "song", "title": None, "videoId": "aaaaaaaaaaa"},
        {"resultType": "song", "title": "x", "videoId": "aaaaaaaaaaa", "isAvailable": False},
        {
            "resultType": "video",
            "title": "x",
            "videoId": "aaaaaaaaaaa",
            "videoType": "MUSIC_VIDEO_TYPE_PODCAST_EPISODE",
        },
    ],
)
def test_what_cannot_be_played_is_no_candidate(row: dict[str, Any]) -> None:
    assert result_of(row) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.4M", 1_400_000),
        ("386K", 386_000),
        ("2B", 2_000_000_000),
        ("1,234", 1234),
        ("15 Mio.", None),
        (None, None),
        ("..", None),
    ],
)
def test_views_are_read(text: str | None, number: int | None) -> None:
    assert views_of(text) == number


@pytest.mark.parametrize(
    ("title", "artist", "isrc", "language"),
    [
        ("\u5149", "Ai kamano", "JPB622201327", "ja"),
        ("\u30ad\u30bb\u30ad", "GReeeeN", "", "ja"),
        ("\ubd04\ub0a0", "BTS", "", "ko"),
        ("\u5149\u5e74\u4e4b\u5916", "G.E.M.", "TWA451612301", "zh_TW"),
        ("\u0413\u0440\u0443\u043f\u043f\u0430 \u043a\u0440\u043e\u0432\u0438", "\u041a\u0438\u043d\u043e", "", "ru"),
        ("Z\u00e9ro", "Bj\u00f6rk", "JPB622201327", ""),
    ],
)
def test_the_language_of_a_wish(title: str, artist: str, isrc: str, language: str) -> None:
    assert youtube_music.language_of(TrackQuery(title, (artist,), isrc=isrc)) == language


def test_a_wish_in_another_script_is_asked_for_once_more_in_its_own_language(tmp_path: Path) -> None:
    """In English its title may be listed in Latin letters, with which it cannot be compared."""
    title = "\ubd04\ub0a0"
    listed = Recording("spring00000", title, ("BTS",), "You Never Walk Alone", 274.0)

    def by_language(handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(server.bodies[-1])
        if body["context"]["client"]["hl"] == "en":
            sends_json(results([replace(listed, title="Spring Day")], "song"))(handler)
            return
        page = json.dumps(results([listed], "song")).replace('"Songs"', '"\ub178\ub798"')
        sends(page.encode(), "application/json")(handler)

    with Loopback({SEARCH: by_language}) as server:
        wish = TrackQuery(title, ("BTS",), "You Never Walk Alone", 274_000)
        found = source(server).search(wish)
        assert [(row.id, row.title) for row in found] == [("spring00000", title)]
        assert choose(wish, found) is not None
        bodies = [json.loads(body) for body in server.bodies if body]
        assert [body["context"]["client"]["hl"] for body in bodies].count("ko") == 1
        assert len([line for line in server.asked if line == "GET /"]) == 1, "one guest"
