"""The archive source against real servers: a good one, and ones that answer with everything else."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.archive import ArchiveServer, Song
from downloads.failures.kinds import DownloadError
from downloads.matching.features import SearchResult, TrackQuery
from downloads.search.archive import LARGEST_ANSWER, MOST_CANDIDATES, ArchiveSource
from tests.downloads.loopback import Answer, Loopback, never_ends, sends, sends_json, status

WISH = TrackQuery("Für Elise", ("Ludwig van Beethoven", "Somebody"), "Bagatelles", 180_000, "DEAAA0000001")
SONG = Song("1", "Für Elise", ("Ludwig van Beethoven",), "Für Elise.mp3", "Bagatelles", 180_000, "DEAAA0000001")


def failure(loopback: Loopback, **options: float) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        ArchiveSource(loopback.url, **options).search(WISH)  # type: ignore[arg-type]
    return caught.value


def found(loopback: Loopback) -> list[SearchResult]:
    return ArchiveSource(loopback.url).search(WISH)


@pytest.mark.parametrize("slash", ["", "/", "//"])
def test_a_song_is_found_with_and_without_a_trailing_slash(tmp_path: Path, slash: str) -> None:
    with ArchiveServer(tmp_path, songs=[SONG]) as archive:
        (candidate,) = ArchiveSource(archive.url + slash).search(WISH)
        assert candidate == SearchResult(
            id="1",
            title="Für Elise",
            artists=("Ludwig van Beethoven",),
            album="Bagatelles",
            duration_ms=180_000,
            url=f"{archive.url}/audio/F%C3%BCr%20Elise.mp3",
            kind="file",
            isrc="DEAAA0000001",
        )


def test_what_may_be_fetched_is_what_was_searched(tmp_path: Path) -> None:
    with ArchiveServer(tmp_path, songs=[SONG]) as archive:
        source = ArchiveSource(archive.url)
        (candidate,) = source.search(WISH)
        assert source.access().checked(candidate.url) == candidate.url


def test_an_address_with_a_path_keeps_it() -> None:
    rows = {"candidates": [{"id": "1", "title": "t", "url": "audio/1.mp3"}, {"id": "2", "title": "t", "url": "/2.mp3"}]}
    with Loopback({"/my/music/search": sends_json(rows)}) as loopback:
        one, two = ArchiveSource(f"{loopback.url}/my/music").search(WISH)
    assert (one.url, two.url) == (f"{loopback.url}/my/music/audio/1.mp3", f"{loopback.url}/2.mp3")


def test_the_question_says_what_is_known_and_leaves_out_the_rest() -> None:
    with Loopback({"/search": sends_json({"candidates": []})}) as loopback:
        source = ArchiveSource(loopback.url)
        source.search(WISH)
        source.search(TrackQuery("Title", ()))
        first, second = (parse_qs(urlsplit(line.split()[1]).query) for line in loopback.asked)
    assert first == {
        "title": ["Für Elise"],
        "artist": ["Ludwig van Beethoven"],
        "album": ["Bagatelles"],
        "duration_ms": ["180000"],
        "isrc": ["DEAAA0000001"],
    }
    assert second == {"title": ["Title"]}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (status(404), "server"),
        (status(500), "server"),
        (status(401), "login"),
        (status(429, Retry_After="30"), "rate_limit"),
        (status(302, Location="http://elsewhere.example/"), "server"),
        (sends(b"<html>hello</html>", "text/html"), "server"),
        (sends(b""), "server"),
        (sends(b"[" * 100_000), "server"),
        (sends_json([]), "server"),
        (sends_json({"candidates": {"id": 1}}), "server"),
        (sends_json({"candidates": None}), "server"),
        (sends(b" " * (LARGEST_ANSWER + 1)), "server"),
        (sends(b"{", claimed=5000), "network"),
    ],
)
def test_a_broken_answer_is_one_sentence_and_a_kind(answer: Answer, kind: str) -> None:
    with Loopback({"/search": answer}) as loopback:
        error = failure(loopback)
    assert error.kind == kind
    assert error.message.endswith((".", "!")) and "\n" not in error.message


def test_the_time_that_a_server_names_is_kept() -> None:
    with Loopback({"/search": status(429, Retry_After="7200")}) as loopback:
        assert failure(loopback).retry_after == 7200.0


def test_a_redirect_is_not_followed() -> None:
    with Loopback({"/search": sends_json({"candidates": []})}) as canary:
        with Loopback({"/search": status(307, Location=f"{canary.url}/search")}) as loopback:
            failure(loopback)
        assert canary.asked == []


def test_a_server_that_falls_silent_is_left() -> None:
    with Loopback({"/search": never_ends("application/json")}) as loopback:
        assert failure(loopback, timeout=0.2).kind == "network"


def test_a_server_that_drips_is_left() -> None:
    ticks = iter([0.0, 100.0, 100.0])
    with Loopback({"/search": sends_json({"candidates": []})}) as loopback, pytest.raises(DownloadError) as caught:
        ArchiveSource(loopback.url, 15.0, clock=lambda: next(ticks)).search(WISH)
    assert caught.value.kind == "network"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["", "nas:8000", "ftp://nas/", "http://", "http://nas:99999/", "http://u:p@nas/"])
def test_an_address_that_is_none_is_said(address: str) -> None:
    with pytest.raises(DownloadError) as caught:
        ArchiveSource(address).search(WISH)
    assert "address" in caught.value.message


def test_a_server_that_is_not_there_is_a_network_error() -> None:
    with Loopback() as loopback:
        pass
    assert failure(loopback).kind == "network"


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/a.mp3",
        "https://127.0.0.1:1/a.mp3",
        "//evil.example/a.mp3",
        "\\\\evil.example\\a.mp3/../../",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:audio/mpeg;base64,AAAA",
        "http://{host}@evil.example/a.mp3",
        "http://evil.example#{host}",
        "http://{host}.evil.example/a.mp3",
        "http://[::1]/a.mp3",
        "http://[bad/a.mp3",
        "ftp://{host}/a.mp3",
        None,
        5,
        ["http://{host}/a.mp3"],
    ],
)
def test_a_candidate_elsewhere_is_dropped_and_the_next_one_kept(url: object) -> None:
    with Loopback() as loopback:
        host = loopback.url.removeprefix("http://")
        bad = url.replace("{host}", host) if isinstance(url, str) else url
        good = {"id": "good", "title": "t", "url": f"{loopback.url}/a.mp3"}
        loopback.routes["/search"] = sends_json({"candidates": [{"id": "bad", "title": "t", "url": bad}, good]})
        *others, last = found(loopback)
        assert last.id == "good"
        assert all(candidate.url.startswith(f"{loopback.url}/") for candidate in others)  # a path on the server


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"id": True},
        {"id": [1]},
        {"id": "x" * 5000},
        {"title": None},
        {"title": "  "},
        {"title": 7},
    ],
)
def test_a_row_without_an_id_or_a_title_is_dropped(change: dict[str, object]) -> None:
    with Loopback() as loopback:
        row = {"id": "1", "title": "t", "url": f"{loopback.url}/a.mp3"} | change
        loopback.routes["/search"] = sends_json({"candidates": [row, 5, None, "x", []]})
        assert found(loopback) == []


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"artists": "One"}, {"artists": ()}),
        ({"artists": ["One", 5, None, "", "Two"]}, {"artists": ("One", "Two")}),
        ({"duration_ms": "180000"}, {"duration_ms": None}),
        ({"duration_ms": True}, {"duration_ms": None}),
        ({"duration_ms": -5}, {"duration_ms": None}),
        ({"duration_ms": 4000}, {"duration_ms": 4000}),
        ({"duration_ms": 10**12}, {"duration_ms": None}),
        ({"album": 5}, {"album": ""}),
        ({"explicit": "yes"}, {"explicit": None}),
        ({"explicit": True}, {"explicit": True}),
        ({"title": "x" * 5000}, {"title": "x" * 500}),
        ({"id": 12}, {"id": "12"}),
    ],
)
def test_a_field_of_the_wrong_type_is_unknown(given: dict[str, object], seen: dict[str, object]) -> None:
    with Loopback() as loopback:
        row = {"id": "1", "title": "t", "url": f"{loopback.url}/a.mp3"} | given
        loopback.routes["/search"] = sends(json.dumps({"candidates": [row]}).encode())
        (candidate,) = found(loopback)
    assert {name: getattr(candidate, name) for name in seen} == seen


def test_many_candidates_are_cut_and_one_id_counts_once() -> None:
    with Loopback() as loopback:
        rows = [{"id": str(n // 2), "title": f"t{n}", "url": f"{loopback.url}/a.mp3"} for n in range(1000)]
        loopback.routes["/search"] = sends_json({"candidates": rows})
        candidates = found(loopback)
    assert [candidate.title for candidate in candidates[:3]] == ["t0", "t2", "t4"]
    assert len(candidates) == MOST_CANDIDATES
