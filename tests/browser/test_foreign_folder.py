"""400 files as other programs left them and 412 imported songs: what the plan says, a recount says, and is fetched.

A whole installation with its processes, driven by a browser alone.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
import pytest
from mutagen.id3 import ID3, TALB, TIT2, TPE1, TSRC, TXXX
from mutagen.mp4 import MP4
from playwright.sync_api import expect

from demo.archive import ArchiveServer, Song
from tests.audio import make_audio
from tests.e2e.installation import Installation, eventually

pytestmark = pytest.mark.long

SONGS, HERE, WRONG, STRANGERS = 412, 376, 12, 12
FILES = HERE + WRONG + STRANGERS
SYLLABLES = [
    "ba",
    "de",
    "fi",
    "go",
    "hu",
    "ka",
    "le",
    "mi",
    "no",
    "pu",
    "ra",
    "se",
    "ti",
    "vo",
    "wu",
    "za",
    "bro",
    "tri",
]
SECONDS = (6, 8, 10)
NEAR = 3_000  # ms within which two lengths are one


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A song of the export."""

    title: str
    artist: str
    album: str
    ms: int
    isrc: str


def make_rows(number: int) -> list[ExportRow]:
    """Songs of invented words, no two alike."""
    chance = random.Random(7)
    names = iter(dict.fromkeys("".join(chance.choices(SYLLABLES, k=4)).title() for _ in range(number * 4)))
    artists = [f"{next(names)} {next(names)}" for _ in range(40)]
    return [
        ExportRow(f"{next(names)} {next(names)}", artists[at % 40], f"Album {artists[at % 40]}", SECONDS[at % 3] * 1000,
             f"XX{at:010}")
        for at in range(number)
    ]  # fmt: skip


def put_file(root: Path, at: int, row: ExportRow, seconds: int) -> None:
    """A file of the song as beets, Picard, a store and a ripper name, keep and tag it, in turn."""
    number = at % 12 + 1
    beets, picard = f"{row.artist}/{row.album}/{number:02} {row.title}.mp3", f"{row.album}/{number}.flac"
    store, ripper = f"Downloads/{at:04}.m4a", f"old/{row.artist} - {row.title}.opus"
    path = root / (beets, f"Picard/{row.artist}/{at} {picard}", store, ripper)[at % 4]
    path.parent.mkdir(parents=True, exist_ok=True)
    make_audio(path, seconds)
    if path.suffix == ".mp3":
        tags = ID3()
        tags.add(TIT2(encoding=3, text=row.title))
        tags.add(TPE1(encoding=3, text=row.artist))
        tags.add(TALB(encoding=3, text=row.album))
        tags.add(TXXX(encoding=3, desc="MusicBrainz Album Type", text="album"))
        tags.add(TSRC(encoding=3, text=row.isrc))
        tags.save(path)
    elif path.suffix == ".flac":
        file = mutagen.File(path)
        file.update({"TITLE": row.title, "ARTIST": row.artist, "ALBUM": row.album, "ORIGINALDATE": "1999"})
        file.save()
    elif path.suffix == ".m4a":
        file = MP4(path)
        file.update({"\xa9nam": row.title, "\xa9ART": row.artist, "\xa9alb": row.album})
        file.save()


def recount(root: Path, wanted: list[ExportRow]) -> dict[str, int]:
    """The plan's numbers, from the files themselves: by ISRC, by title and artist, by "artist - title" as the name."""
    lengths: dict[tuple[str, ...], int] = {}
    for path in (path for path in root.rglob("*") if path.suffix in {".mp3", ".flac", ".m4a", ".opus"}):
        file, tags = mutagen.File(path), mutagen.File(path, easy=True) or {}
        title, artist = (str((tags.get(key) or [""])[0]) for key in ("title", "artist"))
        if not title:
            artist, _, title = path.stem.partition(" - ")
        lengths[title, artist] = round(file.info.length * 1000)
    found = {"here": 0, "ask": 0, "fetch": 0}
    for row in wanted:
        length = lengths.pop((row.title, row.artist), None)
        found["fetch" if length is None else "here" if abs(length - row.ms) <= NEAR else "ask"] += 1
    return {**found, "others": len(lengths)}


def rows_behind(page: Any, address: str) -> int:
    """How many songs a number's link leads to, over all its pages."""
    page.goto(address)
    rows, following = 0, page.get_by_role("link", name="Next page")
    while True:
        rows += page.locator("main a.song").count()
        if not following.count():
            return rows
        page.goto(page.url.partition("?")[0] + following.get_attribute("href"))


def write_export(path: Path, wanted: list[ExportRow]) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Track URI", "Track Name", "Artist Name(s)", "Album Name", "Track Duration (ms)", "ISRC"])
        rows.writerows(
            [f"spotify:track:{at:022}", row.title, row.artist, row.album, row.ms, row.isrc]
            for at, row in enumerate(wanted)
        )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[Installation, ArchiveServer, list[ExportRow]]]:
    """The installation over the folder of 400 files, the audio server with the songs that it lacks."""
    wanted = make_rows(SONGS + STRANGERS)
    audio = tmp_path / "archive"
    audio.mkdir()
    absent = list(enumerate(wanted))[HERE + WRONG : SONGS]
    songs = [Song(f"s{at}", w.title, (w.artist,), f"{at}.mp3", w.album, w.ms) for at, w in absent]
    for at, row in absent:
        make_audio(audio / f"{at}.mp3", row.ms / 1000, frequency=200 + at)
    with (
        ArchiveServer(audio, songs=songs) as archive,
        Installation(tmp_path / "home", archive, CONFIRM_PLANS="true") as installed,
    ):
        for at, row in enumerate(wanted[: HERE + WRONG]):
            put_file(installed.music, at, row, row.ms // 1000 + (15 if at >= HERE else 0))
        for at, row in enumerate(wanted[SONGS:], start=SONGS):
            put_file(installed.music, at, row, row.ms // 1000)
        write_export(installed.home / "export.csv", wanted[:SONGS])
        yield installed, archive, wanted[:SONGS]


def test_the_plan_of_a_foreign_folder_is_what_a_recount_says_and_what_is_fetched(folder: Any, chromium: Any) -> None:
    installed, archive, wanted = folder
    truth = recount(installed.music, wanted)
    assert truth == {"here": HERE, "ask": WRONG, "fetch": SONGS - HERE - WRONG, "others": STRANGERS}
    before = {path: path.stat().st_mtime_ns for path in installed.files()}
    assert len(before) == FILES
    installed.start()
    link = eventually(lambda: re.search(r"http\S+/setup/\S+", installed.log.read_text()), "the one-time link", 60)
    assert link
    eventually(installed.status, "the page answers", 60)
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(link[0])
    page.get_by_label("Username").fill("kim")
    for field in page.locator("input[type=password]").all():
        field.fill("a long enough one")
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("link", name="Next: your library").click()
    page.get_by_role("link", name="Choose files").click()
    page.locator("input[type=file]").set_input_files(str(installed.home / "export.csv"))
    page.locator("main form button").first.click()
    page.locator("main form button.primary").first.click()
    expect(page.locator("h1")).to_have_text(f"{SONGS} songs. {truth['here']} are here already.", timeout=180_000)

    legend = page.locator(".legend a")
    numbers = {link.get_attribute("href"): int(link.get_attribute("data-count")) for link in legend.all()}
    assert numbers == {f"/tracks?status=plan_{name}": truth[name] for name in ("here", "ask", "fetch")}
    expect(page.locator("main")).to_contain_text(f"{truth['others']} other files left alone")
    for address, number in numbers.items():
        assert rows_behind(page, f"http://127.0.0.1:{installed.port}{address}") == number
    assert not archive.requests

    page.goto(f"http://127.0.0.1:{installed.port}/plan")
    page.get_by_label(f"All {WRONG}").check()
    page.get_by_role("button", name="These are the songs").click()
    expect(page.locator("h1")).to_have_text(f"{SONGS} songs. {HERE + WRONG} are here already.", timeout=60_000)
    page.get_by_role("button", name=f"Start: download {truth['fetch']} songs").click(timeout=60_000)
    eventually(lambda: installed.counts() == (0, 0, SONGS), "the missing songs come to disk", 180)
    assert len([path for path in archive.requests if path.startswith("/audio/")]) == truth["fetch"]
    assert {path: path.stat().st_mtime_ns for path in before} == before  # the owner's files are as they were
    page.context.close()
