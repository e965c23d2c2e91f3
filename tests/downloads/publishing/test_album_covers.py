"""Covers for pages: out of the album's files, else asked for once; a failed question rests for days."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image

from catalog.models import Album, Service, Track
from catalog.tags.audio_tags import TrackTags, write_tags
from downloads.jobs import outbound, tasks
from downloads.models import AlbumCover
from downloads.publishing import album_covers, cover_art
from tests.audio import make_audio
from tests.downloads.loopback import Loopback, sends, status
from tests.world import World

HOST = "https://i.scdn.co"


def picture(colour: str, size: int = 640) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(written, "JPEG")
    return written.getvalue()


def colour_of(path: Path) -> str:
    with Image.open(path) as image:
        pixel = image.convert("RGB").getpixel((5, 5))
    assert isinstance(pixel, tuple)
    return ("red", "green", "blue")[pixel.index(max(pixel))]


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A stand-in for Spotify's image host, which has a blue picture at /image/1."""
    with Loopback({"/image/1": sends(picture("blue"), "image/jpeg")}) as server:
        fetch = cover_art.fetch_picture
        monkeypatch.setattr(cover_art, "fetch_picture", lambda url: fetch(url.replace(HOST, server.url)))
        yield server


@pytest.fixture
def missing(world: World) -> Album:
    """An album of one missing song, the only one that has an address; all others have no picture."""
    Service.objects.filter(name="storage").update(state="online", checked_at=world.now)
    song = world.make_track("Wanted", album="Blue")
    assert song.album
    Album.objects.filter(pk=song.album.pk).update(cover_url=f"{HOST}/image/1")
    song.album.refresh_from_db()
    return song.album


def find(world: World, **later: float) -> int:
    return album_covers.find(world.later(**later), should_stop=lambda: False)


def row_of(album: Album) -> AlbumCover:
    return AlbumCover.objects.get(pk=album.pk)


def test_a_cover_is_asked_for_once_and_kept_small(world: World, missing: Album, images: Loopback) -> None:
    find(world)
    find(world, days=100)
    assert images.asked == ["GET /image/1"]
    with Image.open(album_covers.kept_at(missing.pk)) as small:
        assert small.size == (300, 300)
    assert row_of(missing).size == album_covers.kept_at(missing.pk).stat().st_size
    assert not album_covers.is_work(world.now)


def test_the_page_shows_it(client: Client, world: World, missing: Album, images: Loopback) -> None:
    client.force_login(User.objects.create_superuser("anna", "", "secret"))
    assert client.get(f"/covers/{missing.pk}")["Content-Type"] == "image/svg+xml"
    find(world)
    answer = client.get(f"/covers/{missing.pk}")
    assert answer["Content-Type"] == "image/jpeg" and "max-age=2592000" in answer["Cache-Control"]


def test_a_picture_that_the_host_has_not_is_not_asked_for_again_for_days(
    world: World, missing: Album, images: Loopback
) -> None:
    images.routes["/image/1"] = status(404)
    find(world)
    find(world, days=6)
    assert len(images.asked) == 1
    images.routes["/image/1"] = sends(picture("blue"))
    find(world, days=2)
    assert len(images.asked) == 2 and row_of(missing).kept


def test_a_redirect_leads_nowhere(world: World, missing: Album, images: Loopback) -> None:
    with Loopback({"/b": sends(picture("red"))}) as elsewhere:
        images.routes["/image/1"] = status(302, Location=f"{elsewhere.url}/b")
        find(world)
        assert elsewhere.asked == []
    assert not row_of(missing).kept


@pytest.mark.parametrize("address", ["https://evil.example/a.jpg", "http://127.0.0.1:8000/", "file:///etc/passwd"])
def test_no_other_host_is_asked(world: World, missing: Album, images: Loopback, address: str) -> None:
    Album.objects.filter(pk=missing.pk).update(cover_url=address)
    find(world)
    assert images.asked == [] and row_of(missing).fetch_at is None


def test_a_host_that_gives_no_answer_is_left_alone_for_an_hour(
    world: World, missing: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        song = world.make_track(f"Wanted {number}", album=f"Blue {number}")
        Album.objects.filter(tracks=song).update(cover_url=f"{HOST}/image/1")
    asked: list[str] = []
    fetch = cover_art.fetch_picture

    def nobody(url: str) -> bytes | None:
        asked.append(url)
        return fetch("http://127.0.0.1:9/a")

    monkeypatch.setattr(cover_art, "fetch_picture", nobody)
    find(world)
    find(world, minutes=30)
    assert len(asked) == album_covers.FAILURES_TO_REST
    assert not album_covers.is_work(world.now)
    find(world, minutes=31)
    assert len(asked) == 2 * album_covers.FAILURES_TO_REST


def test_the_picture_in_a_file_is_taken_before_anybody_is_asked(
    world: World, missing: Album, images: Loopback, tmp_path: Path
) -> None:
    song = missing.tracks.get()
    make_audio(tmp_path / "a.mp3", 1)
    write_tags(str(tmp_path / "a.mp3"), TrackTags("Wanted", ("Maria Ruiz",)), picture("red"))
    world.put_file(song, (tmp_path / "a.mp3").read_bytes())
    find(world)
    assert images.asked == [] and colour_of(album_covers.kept_at(missing.pk)) == "red"


def test_the_picture_beside_an_albums_files_is_taken(world: World, missing: Album, images: Loopback) -> None:
    file = world.put_file(missing.tracks.get())
    (file.parent / "Cover.JPG").write_bytes(picture("green"))
    find(world)
    assert images.asked == [] and colour_of(album_covers.kept_at(missing.pk)) == "green"


def test_the_picture_of_a_folder_of_many_albums_is_nobodys(world: World, missing: Album, images: Loopback) -> None:
    file = world.put_file(missing.tracks.get(), relative="Singles/one.mp3")
    world.put_file(world.make_track("Another", album="Another"), relative="Singles/two.mp3")
    (file.parent / "cover.jpg").write_bytes(picture("green"))
    find(world)
    assert colour_of(album_covers.kept_at(missing.pk)) == "blue"


def test_what_is_no_picture_is_none(world: World, missing: Album, images: Loopback) -> None:
    file = world.put_file(missing.tracks.get())
    (file.parent / "cover.jpg").write_bytes(b"\xff\xd8\xff no picture")
    images.routes["/image/1"] = sends(b"\xff\xd8\xff none either", "image/jpeg")
    find(world)
    assert not row_of(missing).kept and not album_covers.kept_at(missing.pk).exists()


def test_no_file_is_opened_while_the_folder_is_away(world: World, missing: Album, images: Loopback) -> None:
    file = world.put_file(missing.tracks.get())
    (file.parent / "cover.jpg").write_bytes(picture("green"))
    Service.objects.filter(name="storage").update(state="offline")
    find(world)
    assert colour_of(album_covers.kept_at(missing.pk)) == "blue"


def test_a_file_that_came_later_is_looked_at_after_the_next_full_scan(
    world: World, missing: Album, images: Loopback
) -> None:
    Album.objects.filter(pk=missing.pk).update(cover_url="")
    find(world)
    file = world.put_file(missing.tracks.get())
    (file.parent / "folder.jpg").write_bytes(picture("green"))
    album_covers.tidy(world.later(days=1))
    find(world)
    assert row_of(missing).kept


def test_another_address_is_asked_too(world: World, missing: Album, images: Loopback) -> None:
    find(world)
    images.routes["/image/2"] = sends(picture("red"))
    Album.objects.filter(pk=missing.pk).update(cover_url=f"{HOST}/image/2")
    album_covers.tidy(world.later(days=1))
    find(world)
    assert colour_of(album_covers.kept_at(missing.pk)) == "red"


def test_a_copy_that_is_gone_is_made_again(world: World, missing: Album, images: Loopback) -> None:
    find(world)
    shutil.rmtree(album_covers.kept_at(missing.pk).parent)
    album_covers.tidy(world.later(days=1))
    find(world)
    assert album_covers.kept_at(missing.pk).exists()


def test_what_nobody_wants_any_more_takes_no_room(world: World, missing: Album, images: Loopback) -> None:
    find(world)
    Album.objects.filter(pk=missing.pk).update(wanted=False)
    album_covers.tidy(world.now)
    assert not album_covers.kept_at(missing.pk).exists() and not AlbumCover.objects.filter(pk=missing.pk).exists()
    Album.objects.filter(pk=missing.pk).update(wanted=True)
    album_covers.tidy(world.now)
    find(world)
    assert row_of(missing).kept


def test_large_pictures_go_after_a_month(world: World, missing: Album, images: Loopback) -> None:
    assert cover_art.cover(f"{HOST}/image/1")
    kept = cover_art.kept_path(f"{HOST}/image/1")
    album_covers.tidy(world.now + timedelta(days=29))
    assert kept.exists()
    album_covers.tidy(world.now + timedelta(days=31))
    assert not kept.exists()


def test_nothing_is_added_beyond_the_limit(
    world: World, missing: Album, images: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    find(world)
    song = world.make_track("One more", album="One more")
    Album.objects.filter(tracks=song).update(cover_url=f"{HOST}/image/1")
    monkeypatch.setattr(album_covers, "MOST_BYTES", row_of(missing).size)
    assert not album_covers.is_work(world.now) and find(world) == 0
    assert len(images.asked) == 1


def test_the_tick_asks_for_the_job_and_the_job_for_the_next_one(
    world: World, missing: Album, images: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tasks, "request_covers", lambda: asked.append("tick"))
    monkeypatch.setattr(outbound, "request_covers", lambda: asked.append("job"))
    monkeypatch.setattr(album_covers, "BATCH", 2)
    tasks._find_covers(world.now)
    rounds = 0
    while outbound.find_covers() != "0 albums":
        rounds += 1
    assert asked[0] == "tick" and asked.count("job") == rounds - 1 and rounds > 1
    assert AlbumCover.objects.count() == Album.objects.filter(wanted=True).count()


def test_a_stop_ends_it_between_two_albums(world: World, missing: Album, images: Loopback) -> None:
    assert album_covers.find(world.now, should_stop=lambda: True) == 0
    assert images.asked == []


def test_a_copy_is_its_owners_alone(world: World, missing: Album, images: Loopback) -> None:
    find(world)
    assert os.stat(album_covers.kept_at(missing.pk).parent).st_mode & 0o077 == 0


def test_the_album_of_a_downloaded_song_uses_what_its_download_left(
    world: World, missing: Album, images: Loopback
) -> None:
    cover_art.cover(f"{HOST}/image/1")
    find(world)
    assert len(images.asked) == 1 and row_of(missing).kept
    assert Track.objects.get(title="Wanted").status == Track.Status.MISSING
