"""Tags and pictures that a fetched file gets, seen on real files; and the floor of quality."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mutagen
import pytest

from catalog.models import Album, Artist, Credit, Library, Track
from catalog.storage import own_folders
from demo.archive import Song
from downloads.models import Candidate
from downloads.publishing import tagging
from downloads.review import decisions
from downloads.worker import loop
from tests.audio import ffmpeg, make_picture
from tests.downloads.archive_world import missing_track, serve
from tests.world import World

pytestmark = pytest.mark.django_db
COVER = "https://i.scdn.co/image/ab67616d0000b273"


@pytest.fixture
def picture(tmp_path: Path, monkeypatch) -> bytes:
    """What Spotify's image host would send."""
    data = make_picture(tmp_path / "c.jpg")
    monkeypatch.setattr(tagging, "cover", lambda url: data if url == COVER else None)
    return data


def fetched(world: World, archive, title: str = "Nocturne", **columns) -> Path:
    track = missing_track(world, title, **columns)
    serve(archive, track)
    Album.objects.update(cover_url=COVER)
    assert loop.work_one(now=lambda: world.now).result == "downloaded"
    track.refresh_from_db()
    return Path(track.local_path)


def test_the_album_folder_gets_its_picture_once_and_others_can_read_it(world, archive, picture):
    first = fetched(world, archive, album="Nocturnes")
    cover = first.parent / "cover.jpg"
    assert cover.read_bytes() == picture and cover.stat().st_mode & 0o777 == 0o644
    before = cover.stat()
    fetched(world, archive, "Second", album="Nocturnes", number=2)
    assert (cover.stat().st_ino, cover.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert own_folders.stages() == []


@pytest.mark.parametrize("name", ["cover.jpg", "Folder.PNG", "front.jpeg"])
def test_a_picture_that_is_there_is_nobodys_to_replace(world, archive, picture, name):
    folder = world.root / "Maria Ruiz" / "Nocturnes"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"mine")
    fetched(world, archive, album="Nocturnes")
    assert (folder / name).read_bytes() == b"mine"
    assert len([path for path in folder.iterdir() if path.suffix.lower() != ".mp3"]) == 1


def test_a_folder_of_several_albums_gets_no_picture(world, archive, picture):
    Library.objects.update(path_template="{artist} - {title}")
    path = fetched(world, archive)
    assert path.parent == world.root and not (world.root / "cover.jpg").exists()
    Library.objects.update(path_template="{artist}/{title}")
    path = fetched(world, archive, "Second", number=2)
    assert not (path.parent / "cover.jpg").exists()


def test_another_albums_track_in_the_folder_means_no_picture(world, archive, picture):
    stranger = world.make_track("Stranger", album="Another", number=4)
    world.put_file(stranger, relative="Maria Ruiz/Nocturnes/99 Stranger.mp3")
    path = fetched(world, archive, album="Nocturnes")
    assert not (path.parent / "cover.jpg").exists()


def test_a_disk_that_refuses_the_picture_does_not_cost_the_track(world, archive, picture, monkeypatch):
    def refuse(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tagging, "_write", refuse)
    assert fetched(world, archive, album="Nocturnes").exists()


def test_a_compilation_is_various_artists_in_tags_and_path(world, archive):
    track = missing_track(world, album="Best of")
    Album.objects.filter(pk=track.album.pk).update(compilation=True, artist="")
    track.refresh_from_db()
    serve(archive, track)
    assert loop.work_one(now=lambda: world.now).result == "downloaded"
    track.refresh_from_db()
    said = mutagen.File(track.local_path)
    assert said["TPE2"].text == ["Various Artists"] and said["TCMP"].text == ["1"]
    assert Path(track.local_path).parent == world.root / "Various Artists" / "Best of"


def test_an_album_of_two_discs_says_so(world, archive):
    world.put_file(world.make_track("Other disc", album="Box", disc_number=2))
    path = fetched(world, archive, album="Box", disc_number=1)
    assert mutagen.File(path)["TPOS"].text == ["1/2"]


@pytest.mark.parametrize(
    ("album_artist", "credited", "expected"),
    [
        ("Maria Ruiz", ["Maria Ruiz", "Tyler, The Creator"], ("Maria Ruiz",)),
        (
            "Maria Ruiz, Tyler, The Creator",
            ["Maria Ruiz", "Tyler, The Creator", "Guest"],
            ("Maria Ruiz", "Tyler, The Creator"),
        ),
        ("Tyler, The Creator", ["Tyler, The Creator"], ("Tyler, The Creator",)),
        ("Various Artists", ["Maria Ruiz"], ("Various Artists",)),
        ("Somebody, Else", ["Maria Ruiz"], ()),
        ("", ["Maria Ruiz"], ()),
    ],
)
def test_album_artists_are_one_by_one_where_the_credits_tell_how(world, album_artist, credited, expected):
    track = world.make_track("Song", artist=credited[0], album="Light")
    for position, name in enumerate(credited[1:], 1):
        artist = Artist.objects.create(name=name, key=f"key {position}")
        Credit.objects.create(track=track, artist=artist, position=position)
    Album.objects.filter(pk=track.album.pk).update(artist=album_artist)
    track = Track.objects.get(pk=track.pk)
    tags = tagging.tags_of(track)
    assert (tags.album_artist, tags.album_artists) == (album_artist, expected)


def test_the_artists_of_an_album_are_its_own_where_the_source_tells_them(world):
    track = world.make_track("Song", artist="Maria Ruiz", album="Light")
    Album.objects.filter(pk=track.album.pk).update(
        artist="Somebody, Else, Third", artist_names=["Somebody, Else", "Third"]
    )
    assert tagging.tags_of(Track.objects.get(pk=track.pk)).album_artists == ("Somebody, Else", "Third")


def test_what_spotify_says_of_an_album_is_in_the_tags(world):
    said = {"total_tracks": 12, "release_type": "compilation", "label": "Parkwood", "copyright": "2006 Sony"}
    track = world.make_track("Song", album="Light")
    Album.objects.filter(pk=track.album.pk).update(**said)
    tags = tagging.tags_of(Track.objects.get(pk=track.pk))
    assert (tags.track_total, tags.disc_total, tags.release_type) == (12, None, ("album", "compilation"))
    assert (tags.label, tags.copyright) == ("Parkwood", "2006 Sony")


def test_totals_of_discs_are_said_only_where_the_whole_album_is_known(world):
    first = world.make_track("One", album="Box", number=1, disc_number=1)
    world.make_track("Two", album="Box", number=2, disc_number=1)
    world.make_track("Three", album="Box", number=1, disc_number=2)
    Album.objects.filter(pk=first.album.pk).update(total_tracks=4)
    tags = tagging.tags_of(Track.objects.get(pk=first.pk))
    assert (tags.track_total, tags.disc_total) == (None, 2)
    Album.objects.filter(pk=first.album.pk).update(total_tracks=3)
    tags = tagging.tags_of(Track.objects.get(pk=first.pk))
    assert (tags.track_total, tags.disc_total) == (2, 2)


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["A"], "A"), (["A", "B"], "A & B"), (["A", "B, C", "D"], "A, B, C & D")]
)
def test_artists_in_words(names, text):
    assert tagging.in_words(names) == text


@pytest.mark.parametrize("way", ["joined", "each"])
def test_the_artists_stand_in_the_file_in_the_way_that_is_set(world, archive, way):
    Library.objects.update(artist_tag=way)
    track = missing_track(world, "Nocturne")
    guest = Artist.objects.create(name="Guest", key="guest")
    Credit.objects.create(track=track, artist=guest, position=1)
    serve(archive, track)
    assert loop.work_one(now=lambda: world.now).result == "downloaded"
    track.refresh_from_db()
    said = mutagen.File(track.local_path)
    assert said["TPE1"].text == (["Maria Ruiz & Guest"] if way == "joined" else ["Maria Ruiz", "Guest"])
    assert said["TXXX:ARTISTS"].text == ["Maria Ruiz", "Guest"]


def test_nobody_is_told_of_one_disc_where_only_one_is_known(world):
    track = world.make_track("Song", album="Light", disc_number=1)
    assert tagging.tags_of(track).disc_total is None
    world.make_track("Other", album="Light", disc_number=2, number=2)
    assert tagging.tags_of(track).disc_total == 2


# --- The floor --------------------------------------------------------------------------------------------


def poor(archive, track) -> Song:
    """A recording of 32 kbit/s on the server, otherwise just right."""
    song = serve(archive, track)
    source = "sine=frequency=440:duration=4:sample_rate=24000"
    command = [ffmpeg(), "-v", "error", "-y", "-f", "lavfi", "-i", source, "-b:a", "32k"]
    subprocess.run([*command, str(Path(archive.folder) / song.file)], check=True)
    return song


def test_a_recording_below_the_floor_is_sent_away_with_its_figures(world, archive):
    track = missing_track(world)
    song = poor(archive, track)
    outcome = loop.work_one(now=lambda: world.now)
    assert outcome.error_kind == "low_quality" and "32 kbit/s mp3" in outcome.message
    assert track.candidates.get(source_id=song.id).verdict == Candidate.Verdict.DISPROVED


def test_a_person_may_choose_it_all_the_same(world, archive):
    track = missing_track(world)
    song = poor(archive, track)
    loop.work_one(now=lambda: world.now)
    decisions.choose(track.candidates.get(source_id=song.id), world.now, "anna")
    assert loop.work_one(now=lambda: world.now).result == "downloaded"
