"""The small audio server: what it promises to those who fetch from it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from demo.archive import ArchiveServer, Song
from downloads.fetch.process import PROJECT

BODY = bytes(range(256)) * 40
SONGS = [
    Song("a", "Gymnopédie No. 1", ("Erik Satie",), "a.mp3", "Gymnopédies", 180_000, "FRAAA0000001"),
    Song("b", "Gymnopédie No. 3", ("Erik Satie",), "b b.mp3", "Gymnopédies", 150_000),
    Song("c", "荒城の月", ("瀧廉太郎",), "c.mp3"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for song in SONGS:
        (tmp_path / song.file).write_bytes(BODY)
    (tmp_path / "secret.txt").write_text("no")
    return tmp_path


def ids(archive: ArchiveServer, **wish: str) -> list[str]:
    answer = requests.get(f"{archive.url}/search", params=wish, timeout=600)
    return [row["id"] for row in answer.json()["candidates"]]


def test_a_search_finds_by_words_in_any_script_and_by_isrc(folder: Path) -> None:
    with ArchiveServer(folder, songs=SONGS) as archive:
        assert ids(archive, title="gymnopedie", artist="x") == []
        assert ids(archive, title="GYMNOPÉDIE no. 3", artist="Erik Satie") == ["b", "a"]
        assert ids(archive, title="荒城の月") == ["c"]
        assert ids(archive, title="other words", isrc="FRAAA0000001") == ["a"]
        assert ids(archive) == []


def test_a_candidate_can_be_fetched_whole_and_in_parts(folder: Path) -> None:
    with ArchiveServer(folder, songs=SONGS) as archive:
        row = requests.get(f"{archive.url}/search?title=gymnopédie no 3", timeout=600).json()["candidates"][0]
        assert set(row) == {"id", "title", "artists", "album", "duration_ms", "isrc", "url"}
        whole = requests.get(row["url"], timeout=600)
        assert (whole.status_code, whole.content, whole.headers["Content-Length"]) == (200, BODY, str(len(BODY)))
        for span, part in [("bytes=0-9", BODY[:10]), ("bytes=100-", BODY[100:]), ("bytes=-5", BODY[-5:])]:
            answer = requests.get(row["url"], headers={"Range": span}, timeout=600)
            assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["Content-Range"] == f"bytes {len(BODY) - 5}-{len(BODY) - 1}/{len(BODY)}"
        head = requests.head(row["url"], timeout=600)
        assert (head.headers["Content-Length"], head.content) == (str(len(BODY)), b"")


@pytest.mark.parametrize("span", ["bytes=99999999-", "bytes=9-3", "bytes=-0", "bytes=x-y", "bytes=-"])
def test_a_range_that_is_none_is_refused(folder: Path, span: str) -> None:
    with ArchiveServer(folder, songs=SONGS) as archive:
        answer = requests.get(f"{archive.url}/audio/a.mp3", headers={"Range": span}, timeout=600)
    assert answer.status_code == 416


@pytest.mark.parametrize("name", ["nix.mp3", "secret.txt", "../secret.mp3", "%2e%2e%2fa.mp3", "", "sub/a.mp3"])
def test_only_audio_files_of_the_folder_are_served(folder: Path, name: str) -> None:
    with ArchiveServer(folder / "sub" if name.startswith("..") else folder, songs=SONGS) as archive:
        assert requests.get(f"{archive.url}/audio/{name}", timeout=600).status_code == 404


def test_the_first_requests_of_a_song_fail_as_often_as_was_asked(folder: Path) -> None:
    with ArchiveServer(folder, songs=SONGS, failures={"a": 2}, retry_after=7) as archive:
        answers = [requests.get(f"{archive.url}/audio/a.mp3", timeout=600) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [503, 503, 200]
        assert answers[0].headers["Retry-After"] == "7"
        assert requests.get(f"{archive.url}/audio/c.mp3", timeout=600).status_code == 200
        assert archive.requests["/audio/a.mp3"] == 3


def test_an_index_is_read_and_without_one_each_file_is_a_song(folder: Path) -> None:
    with ArchiveServer(folder) as archive:
        assert ids(archive, title="b b") == ["b b.mp3"]
    row = {"id": "x", "title": "Named", "artists": ["One"], "file": "a.mp3"}
    (folder / "index.json").write_text(json.dumps([row]))
    with ArchiveServer(folder) as archive:
        assert ids(archive, title="named") == ["x"]


def test_it_runs_as_a_program_and_says_where(folder: Path) -> None:
    command = [sys.executable, "-m", "demo.archive", "--folder", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        assert process.stdout
        said = process.stdout.readline()
        try:
            url = said.split()[-1]
            assert requests.get(f"{url}/audio/a.mp3", timeout=600).content == BODY
        finally:
            process.terminate()
    assert said.startswith("3 songs at http://127.0.0.1:")
