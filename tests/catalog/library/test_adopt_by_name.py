"""Music without tags, or under other spellings, is known again by its names: taken, or asked about."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog.library.adopt import AdoptReport, adopt
from catalog.models import AdoptionMatch, Track
from catalog.tags import audio_tags
from downloads.file_moves.library_tools import TOOLS
from tests.catalog.library.conftest import SECONDS
from tests.world import World

pytestmark = pytest.mark.django_db

OTHER = "Pink Harbour"


@pytest.fixture
def put(world: World, tone: str) -> Callable[..., Path]:
    """Puts real audio into the music folder, with as much in its tags as is said."""

    def put(relative: str, title: str = "", artist: str = "", **said: Any) -> Path:
        path = world.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tone, path)
        if title or artist or said:
            artists = (artist,) if artist else ()
            audio_tags.write_tags(str(path), audio_tags.TrackTags(title, artists, **said), None)
        return path

    return put


def wish(world: World, title: str, artist: str = OTHER, seconds: float | None = SECONDS, **columns: Any) -> Track:
    length = None if seconds is None else int(seconds * 1000)
    return world.make_track(title, artist=artist, duration_ms=length, **columns)


def run(world: World) -> AdoptReport:
    return adopt(None, world.now, tools=TOOLS)


@pytest.mark.parametrize(
    "relative",
    [
        "Pink Harbour - Plain Song.mp3",
        "07 Pink Harbour - Plain Song.mp3",
        "07 - Pink Harbour - Plain Song.mp3",
        "07. Pink Harbour – Plain Song.mp3",
        "mixed/Pink_Harbour_-_Plain_Song.mp3",
        "Plain Song - Pink Harbour.mp3",
        "Pink Harbour/One/07 Plain Song.mp3",
        "Pink Harbour/One/07. Pink Harbour - Plain Song.mp3",
        "Pink Harbour/One/CD 1/1-07 Plain Song.mp3",
        "Pink Harbour/Plain Song.mp3",
        "Pink Harbour - One/07 Plain Song.mp3",
        "Pink Harbour - Plain Song (Official Video).mp3",
        "Pink Harbour - Plain Song [dQw4w9WgXcQ].mp3",
        "PINK HARBOUR - plain song.mp3",
        "Pink Harbour/One/Side B/B2 Plain Song.mp3",
        "Pink Harbour/One/2.07 Plain Song.mp3",
        "pink.harbour.-.plain.song.mp3",
        "pink-harbour-plain-song.mp3",
        "(07) [Pink Harbour] Plain Song.mp3",
        "Pink Harbour | Plain Song.mp3",
        "Plain Song (Pink Harbour).mp3",
        "Plain Song by Pink Harbour.mp3",
        "Pink Harbour - Plain Song (128 kbps) (1).mp3",
        "Copy of Pink Harbour - Plain Song copy 2.mp3",
        "Pink Harbour - Plain Song-dQw4w9WgXcQ.mp3",
    ],
)
def test_an_untagged_file_is_taken_by_its_path(world, put, relative):
    track = wish(world, "Plain Song")
    path = put(relative)

    report = run(world)

    track.refresh_from_db()
    assert (report.adopted, report.strangers, track.local_path) == (1, 0, str(path))


@pytest.mark.parametrize(
    "said",
    [
        {"title": "Evening Rain - Remastered 2011", "artist": OTHER},
        {"title": "Evening Rain (2011 Remaster)", "artist": OTHER},
        {"title": "Evening Rain", "artist": "Pink Harbour & Marble Choir"},
        {"title": "Evening Rain"},
        {"artist": OTHER},
        {"title": "Track 07", "artist": "Unknown Artist"},
        {"title": "Pink Harbour - Evening Rain"},
        {"title": "Evening Rian", "artist": OTHER},
    ],
)
def test_tags_that_say_a_part_or_say_it_otherwise_are_enough(world, put, said):
    track = wish(world, "Evening Rain")
    put("Pink Harbour/Some Album/07 Evening Rain.mp3", **said)

    assert run(world).adopted == 1
    assert world.status_of(track) == "downloaded"


def test_a_title_alone_of_the_right_length_is_asked_about(world, put):
    track = wish(world, "Evening Rain")
    put("mine/x.mp3", title="Evening Rain")

    report = run(world)

    assert (report.adopted, report.doubts, world.status_of(track)) == (0, 1, "missing")
    assert AdoptionMatch.objects.get().why == "its file name, but it does not name the artist so"


def test_a_guest_that_the_song_does_not_name_is_asked_about(world, put):
    wish(world, "Evening Rain")
    put("a.mp3", title="Evening Rain (feat. Marble Choir)", artist=OTHER)

    report = run(world)

    assert (report.adopted, report.doubts, report.strangers) == (0, 1, 0)


@pytest.mark.parametrize(("seconds", "said"), [(240, "its length is 4 s, not 240 s"), (None, "a length is unknown")])
def test_names_of_another_or_an_unknown_length_are_asked_about(world, put, seconds, said):
    wish(world, "Plain Song", seconds=seconds)
    put("Pink Harbour - Plain Song.mp3")

    report = run(world)

    assert (report.adopted, report.doubts) == (0, 1)
    assert said in report.doubtful[0]["why"]


@pytest.mark.parametrize(
    "relative",
    [
        "Pink Harbour - Plain Song (Live).mp3",
        "Pink Harbour - Plain Song (Karaoke Version).mp3",
        "Pink Harbour - Another Song.mp3",
        "Marble Choir - Plain Song.mp3",
        "Pink Harbour - Plain Song Pt. 2.mp3",
        "Pink Harbour Plain Song karaoke.mp3",
        "Plain Song (Pink Harbour Tribute).mp3",
        "Pink Harbour Not So Plain Song.mp3",
    ],
)
def test_another_recording_or_another_artist_is_nobodys(world, put, relative):
    track = wish(world, "Plain Song")
    put(relative)

    assert run(world).strangers == 1
    assert world.status_of(track) == "missing"


def test_two_songs_of_one_name_and_length_are_asked_about_or_told_apart_by_the_album(world, put):
    wish(world, "Intro", album="One")
    second = wish(world, "Intro", album="Two")
    put("Pink Harbour - Intro.mp3")
    assert (run(world).adopted, AdoptionMatch.objects.get().why) == (0, "its file name, which fit several songs")
    (world.root / "Pink Harbour - Intro.mp3").unlink()
    put("Pink Harbour/Two/01 Intro.mp3")

    assert run(world).adopted == 1
    assert world.status_of(second) == "downloaded"


def test_the_file_with_the_very_name_comes_before_one_that_is_only_alike(world, put):
    track = wish(world, "Evening Rain")
    put("a.mp3", title="Evening Rain - Remastered 2011", artist=OTHER)
    path = put("b.mp3", title="Evening Rain", artist=OTHER)

    assert (run(world).adopted, run(world).strangers) == (1, 1)
    track.refresh_from_db()
    assert track.local_path == str(path)


def test_a_file_whose_isrc_is_another_recordings_is_asked_about(world, put):
    wish(world, "Evening Rain", isrc="GBAYE1100001")
    put(
        "Pink Harbour/Evening Rain - Remastered 2011.mp3",
        title="Evening Rain (Remaster)",
        artist=OTHER,
        isrc="GBAYE1100002",
    )

    report = run(world)

    assert (report.adopted, report.doubts) == (0, 1)
    assert "another recording" in report.doubtful[0]["why"]


def test_several_copies_ask_one_question(world, put):
    wish(world, "Plain Song", seconds=240)
    put("a/Pink Harbour - Plain Song.mp3")
    put("b/Pink Harbour - Plain Song.mp3")

    report = run(world)

    assert (report.doubts, report.strangers) == (1, 1)


def test_of_two_songs_of_one_name_the_one_from_the_tagged_album_is_taken(world, put):
    wish(world, "Intro", album="One")
    second = wish(world, "Intro", album="Two")
    put("a.mp3", title="Intro", artist=OTHER, album="Two")

    assert run(world).adopted == 1
    assert world.status_of(second) == "downloaded"
