"""Twenty tasks of a home user, one after the other, in a browser alone: from the start to a library that is whole.

A whole installation with its processes, a Spotify and an audio server of our own. Beside the browser there are only the
log in which the start prints its link, and the music folder, in which a person moves things by a file manager.
"""

from __future__ import annotations

import csv
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from catalog.tags import audio_tags
from demo.archive import ArchiveServer, Song
from tests.audio import make_audio
from tests.browser.test_every_page import violations
from tests.e2e.installation import Installation, eventually
from tests.fakes.spotify import CLIENT_ID, SpotifyStandIn, User
from tests.fakes.spotify_objects import saved, track

pytestmark = pytest.mark.long

PATIENCE = 150_000  # ms; the jobs look at their schedule each minute
SECONDS = 5
ARTIST = "Maria Ruiz"
IN_THE_FOLDER = ("Alba", "Brisa", "Cumbre")
DOUBTFUL = "Duna"  # in the folder, 12 s longer
TO_FETCH = ("Estrella", "Farol", "Gaviota")
BROKEN = ("Hoguera", "Isla")  # the audio server has them, and fails at first
LIVE = "Jardin"  # it has a concert's recording alone
FOUND_NOWHERE = "Kilometro"
LIKED = ("Luna Llena", "Mareas")
IMPORTED = (*IN_THE_FOLDER, DOUBTFUL, *TO_FETCH, *BROKEN, LIVE, FOUND_NOWHERE)
ON_THE_SERVER = (*IN_THE_FOLDER, DOUBTFUL, *TO_FETCH, *BROKEN, *LIKED)
PASSWORD = "a long enough one"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ArchiveServer]:
    """An audio server with all songs but one; two fail until told otherwise, one is live."""
    folder = tmp_path / "archive"
    folder.mkdir()
    songs = [
        Song(title, title, (ARTIST,), f"{at}.mp3", "First", SECONDS * 1000) for at, title in enumerate(ON_THE_SERVER)
    ]
    songs.append(Song(LIVE, f"{LIVE} (Live)", (ARTIST,), "live.mp3", "On Stage", SECONDS * 1000))
    for at, song in enumerate(songs):
        make_audio(folder / song.file, SECONDS, frequency=200 + 40 * at)
    with ArchiveServer(folder, songs=songs, failures=dict.fromkeys(BROKEN, 10_000)) as server:
        yield server


@pytest.fixture
def spotify() -> Iterator[SpotifyStandIn]:
    """An account with two liked songs."""
    with SpotifyStandIn() as server:
        liked = [saved(track(at, title, ARTIST, duration_ms=SECONDS * 1000)) for at, title in enumerate(LIKED)]
        server.add(User("anna", "Anna", liked=liked))
        yield server


class Person:
    """Somebody before a browser. Each task says what is pressed, and waits until the page says that it is done."""

    def __init__(self, page: Any, home: str) -> None:
        self.page, self.home = page, home

    def open(self, address: str) -> Any:
        self.page.goto(f"{self.home}{address}")
        return self.page

    def press(self, name: str | re.Pattern[str], within: Any = None) -> None:
        (within or self.page).get_by_role("button", name=name).first.click()
        self.page.wait_for_load_state()

    def says(self, words: str | re.Pattern[str], where: str = "main") -> None:
        """Wait for words on the page, which refreshes by itself."""
        expect(self.page.locator(where).first).to_contain_text(words, timeout=PATIENCE)

    def is_told(self, words: str) -> None:
        expect(self.page.locator(".messages")).to_contain_text(words)

    def has_folder(self, folder: Path) -> None:
        """Wait until Tonekeep has started anew with the folder."""
        facts = self.page.locator("main dl dd")
        expect(facts.first).to_have_text(str(folder), timeout=PATIENCE)
        expect(facts.nth(1)).to_contain_text("may be written to", timeout=PATIENCE)

    def song(self, title: str) -> Any:
        """The page of a song, found by the search at the top."""
        self.open("/tracks")
        self.page.locator("#find").fill(title)
        self.page.locator("#find").press("Enter")
        self.page.locator("#songs a.song", has_text=title).first.click()
        expect(self.page.locator("h1")).to_have_text(title)
        return self.page


@pytest.fixture
def person(chromium: Any, installed: Installation) -> Iterator[Person]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    yield Person(context.new_page(), f"http://127.0.0.1:{installed.port}")
    context.close()


@pytest.fixture
def installed(tmp_path: Path, archive: ArchiveServer, spotify: SpotifyStandIn) -> Iterator[Installation]:
    """As a NAS has it: a folder full of music beside the program's data, nothing said of it yet."""
    urls = {"SPOTIFY_API_URL": f"{spotify.url}/v1", "SPOTIFY_ACCOUNTS_URL": spotify.url}
    with Installation(
        tmp_path / "home", archive, MUSIC_DIR="", CONFIRM_PLANS="true", STATUS_PUBLIC="false", **urls
    ) as installation:
        for title in (*IN_THE_FOLDER, DOUBTFUL):
            path = installation.music / "from my CDs" / f"{title.lower()}.mp3"
            path.parent.mkdir(exist_ok=True)
            make_audio(path, SECONDS + 12 * (title == DOUBTFUL), frequency=900 + 50 * len(title))
            audio_tags.write_tags(str(path), audio_tags.TrackTags(title, (ARTIST,), "First"), None)
        yield installation


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "my songs.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Track URI", "Track Name", "Artist Name(s)", "Album Name", "Track Duration (ms)"])
        rows.writerows(
            [f"spotify:track:{at:022}", title, ARTIST, "First", SECONDS * 1000] for at, title in enumerate(IMPORTED)
        )
    return path


def audio(folder: Path) -> list[Path]:
    """The files that a player would show."""
    files = [path for path in folder.rglob("*.*") if path.suffix in {".mp3", ".opus", ".m4a"}]
    return sorted(path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def test_twenty_tasks_without_a_terminal(
    person: Person,
    installed: Installation,
    archive: ArchiveServer,
    spotify: SpotifyStandIn,
    export: Path,
    chromium: Any,
) -> None:
    page, music = person.page, installed.music
    began, times = time.monotonic(), list[str]()
    everything = len(IMPORTED) + len(LIKED)

    def task(name: str) -> None:
        times.append(f"{time.monotonic() - began:5.0f} s  {len(times) + 1}. {name}")

    # 1. The first start: the link, oneself, the music folder.
    installed.start()
    link = eventually(lambda: re.search(r"http\S+/setup/\S+", installed.log.read_text()), "the one-time link", 120)
    assert link
    eventually(lambda: installed_answers(person), "the page answers", 120)
    page.goto(link[0])
    page.get_by_label("Username").fill("kim")
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    person.press("Create account")
    expect(page.locator("h1")).to_have_text("Your music folder")
    page.get_by_label("Its whole path").fill(str(music))
    person.press("Use this folder")
    person.has_folder(music)
    person.open("/settings/downloads")
    page.get_by_label("Files of songs that nothing holds any more").select_option("bin")
    page.get_by_label("Ask when more than … files disappear at once").fill("3")
    person.press("Save")
    person.is_told("Saved.")
    task("first start, with a folder of music that is chosen there")

    # 2. Connect Spotify.
    person.open("/plan")
    page.get_by_role("link", name="Connect Spotify").click()
    page.get_by_role("textbox", name="Client id").fill(CLIENT_ID)
    person.press("Save")
    person.is_told("The app is stored.")
    person.press("Connect")
    person.is_told("Connected as Anna")
    task("connect Spotify")

    # 3. Import a file.
    person.open("/import")
    page.locator("input[type=file]").set_input_files(str(export))
    person.press("Preview")
    person.press(f"Import {len(IMPORTED)} songs")
    task("import a file")

    # 4. The plan, and 5. its doubts.
    person.open("/plan")
    expect(page.locator("h1")).to_have_text(
        f"{everything} songs. {len(IN_THE_FOLDER)} are here already.", timeout=PATIENCE
    )
    assert not archive.requests, "nothing is fetched before somebody has seen the plan"
    page.get_by_label("All 1").check()
    person.press("These are the songs")
    here = len(IN_THE_FOLDER) + 1
    expect(page.locator("h1")).to_have_text(f"{everything} songs. {here} are here already.", timeout=PATIENCE)
    task("adopt what is in doubt")
    person.press(f"Start: download {everything - here} songs")
    person.open("/")
    come = here + len(TO_FETCH) + len(LIKED)
    person.says(re.compile(rf"\b{come}\s*downloaded"), ".counters")
    task("accept the plan")

    # 6. Pause, and go on.
    person.press("Pause downloads")
    person.says("Downloads are paused", "#banners")
    person.press("Resume downloads")
    expect(page.locator("#banners")).not_to_contain_text("Downloads are paused")
    task("pause and resume")

    # 7. A group that failed is tried again.
    archive.failures.clear()
    person.open("/failures")
    group = page.locator("section.group", has_text=BROKEN[0])
    expect(group).to_contain_text(BROKEN[1])
    person.press(re.compile("^Try 2 again"), group)
    person.open("/")
    come += len(BROKEN)
    person.says(re.compile(rf"\b{come}\s*downloaded"), ".counters")
    task("try a group again")

    # 8. Decide.
    person.open("/todo")
    page.get_by_role("link", name="Choose, one after the other").click()
    expect(page.locator("h1")).to_have_text(LIVE)
    person.press(re.compile("Use this recording 1"))
    person.open("/")
    come += 1
    person.says(re.compile(rf"\b{come}\s*downloaded"), ".counters")
    task("decide which recording")

    # 9. Read why a song is not here, and 10. let it go.
    person.song(FOUND_NOWHERE)
    person.says("No recording was found")
    task("read why a song is not here")
    person.press("Stop trying")
    person.says("Download again")
    person.open("/")
    person.says(f"All {come} songs are here", "h1")
    task("ignore a song")

    # 11. Back from the bin.
    spotify.users["anna"].liked.pop()
    person.press("Sync now")
    person.open("/bin")
    eventually(lambda: row_of_the_bin(person, LIKED[1]), "the song's file is in the bin", 120)
    assert not [path for path in audio(music) if LIKED[1] in path.name]
    person.press(take_back(LIKED[1]))
    eventually(lambda: [path for path in audio(music) if LIKED[1] in path.name], "its file is back", 120)
    spotify.users["anna"].liked.append(saved(track(1, LIKED[1], ARTIST, duration_ms=SECONDS * 1000)))
    person.open("/")
    person.press("Sync now")
    person.says(f"All {come} songs are here", "h1")
    task("bring a file back from the bin")

    # 12. Another template, the files moved, and 13. moved back.
    before = audio(music)
    person.open("/paths")
    page.get_by_label("Folders and file name").fill("{title}")
    person.press("Show what it makes of my songs")
    person.press("Use this template")
    person.press("Rename them")
    person.press("Move them")
    eventually(lambda: {path.parent for path in audio(music)} == {music}, "all files stand in one folder", 120)
    task("change the template and move what is here")
    person.open("/paths")
    eventually(lambda: undone(person), "the move has ended, and can be undone", 120)
    eventually(lambda: audio(music) == before, "all files are back", 120)
    task("undo it")

    # 14. Another format.
    person.open("/settings/downloads")
    page.get_by_label("Audio format").select_option("opus")
    person.press("Save")
    person.is_told("It holds from now on.")
    task("change the format")

    # 15. Check the library.
    (music / "stray.mp3").write_bytes(before[0].read_bytes()[:4000])
    person.open("/maintenance")
    person.press("Check now")
    person.says(re.compile(r"1\s+audio files that are no song"))
    (music / "stray.mp3").unlink()
    task("check the library")

    # 16. A backup, saved.
    person.press("Make a backup now")
    with page.expect_download(timeout=PATIENCE) as download:
        page.get_by_role("link", name=re.compile("^Save")).first.click()
    with sqlite3.connect(download.value.path()) as copy:
        assert copy.execute("SELECT COUNT(*) FROM catalog_track").fetchone() == (everything,)
    task("make a backup and save it")

    # 17. The folder has moved.
    moved = music.with_name("another disk")
    shutil.move(music, moved)
    person.open("/")
    person.press("Rescan folder")
    person.says("Music folder missing", "#banners")
    person.open("/start")
    page.get_by_label("Its whole path").fill(str(moved))
    person.press("Use this folder")
    person.has_folder(moved)
    person.open("/")
    person.says(f"All {come} songs are here", "h1")
    expect(page.locator("#banners")).not_to_contain_text("Music folder missing")
    task("follow a folder that has moved")

    # 18. Another disk in its place is accepted, and 19. so is what is gone with the old one.
    shutil.move(moved, moved.with_name("a dead disk"))
    moved.mkdir()
    person.press("Rescan folder")
    person.says("Music folder missing", "#banners")
    page.locator("#banners summary", has_text="This folder is my new music folder").click()
    person.press("Accept this folder")
    task("accept another disk")
    person.says("Many files disappeared at once", "#banners")
    person.press("Download them again")
    person.says(f"All {come} songs are here", "h1")
    assert len(audio(moved)) == come and {path.suffix for path in audio(moved)} == {".opus"}
    task("accept that files are gone")

    # 20. Another person.
    person.open("/people")
    person.press("Make a link")
    invitation = page.get_by_label("Link").input_value()
    other = chromium.new_context(viewport={"width": 390, "height": 800}).new_page()
    other.goto(invitation)
    other.get_by_label("Username").fill("lea")
    for field in other.locator("input[type=password]").all():
        field.fill(PASSWORD)
    other.get_by_role("button", name="Create account").click()
    other.goto(f"{person.home}/")
    expect(other.locator("h1")).to_contain_text(f"All {come} songs are here")
    assert other.get_by_role("button", name="Pause downloads").count() == 0
    other.context.close()
    task("add a person")

    # Everything is as it should be: nothing to do, no banner, nothing missing, and the pages are accessible.
    for address, words in (("/todo", "Nothing to do"), ("/failures", "Nothing has failed")):
        person.open(address)
        expect(page.locator("h1")).to_have_text(words)
    for address in ("/", "/start", "/maintenance"):
        person.open(address)
        assert page.locator("#banners section").count() == 0
        assert violations(page) == []
    assert len(times) == 20
    print("\n".join(["", *times]))


def installed_answers(person: Person) -> bool:
    """Whether the page answers by now."""
    try:
        return bool(person.page.request.get(f"{person.home}/healthz", timeout=2000).ok)
    except Exception:
        return False


def take_back(title: str) -> re.Pattern[str]:
    return re.compile(rf"^Restore\s*: {title}$")


def row_of_the_bin(person: Person, title: str) -> bool:
    person.page.reload()
    return bool(person.page.get_by_role("button", name=take_back(title)).count())


def undone(person: Person) -> bool:
    """Press Undo where the page offers it: the move before must have ended."""
    person.page.reload()
    button = person.page.get_by_role("button", name="Undo the last move")
    if not button.count():
        return False
    button.click()
    person.press("Move them")
    person.is_told("moved in the background")
    return True
