"""A list that Spotify cuts off again and again is read to its end all the same, and nothing is removed before."""

# mypy: disable-error-code="union-attr,operator"
from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from catalog.models import Collection, Entry, Service
from catalog.spotify.checkpoint import FOLDER, KEPT_FOR
from catalog.spotify.sync import sync
from tests.fakes.spotify import Playlist, SpotifyStandIn, User
from tests.fakes.spotify_objects import entries, numbered
from tests.fakes.spotify_use import NOW, connect, read, titles

pytestmark = pytest.mark.django_db
LIKED, ITEMS = r"/me/tracks", r"/playlists/\w+/items"


def cut_off(spotify: SpotifyStandIn, path: str, after: int) -> None:
    """429 once ``after`` more pages have been answered."""
    spotify.fault(path, 429, headers={"Retry-After": "60"}, skip=after)


def offsets(spotify: SpotifyStandIn, path: str) -> list[int]:
    return [int(asked.query["offset"]) for asked in spotify.requests if asked.path == f"/v1{path}"]


def answered(spotify: SpotifyStandIn, offset: int) -> int:
    """How often the page of the liked songs at this offset was given out."""
    pages = [(asked, said.status) for asked, said in spotify.answers if asked.path == "/v1/me/tracks"]
    given = [asked.query["offset"] for asked, status in pages if status == 200]
    return given.count(str(offset))


def kept_files(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).glob("*")) if (folder / FOLDER).is_dir() else []


def liked_titles(anna: User) -> list[str]:
    return [saved["track"]["name"] for saved in anna.liked]


@pytest.fixture
def liked(anna: User, spotify: SpotifyStandIn) -> User:
    """1,000 liked songs: twenty pages."""
    anna.liked = numbered(0, 1000)
    connect(spotify)
    return anna


# --- Progress ---


def test_a_list_of_twenty_pages_ends_though_spotify_allows_three_at_a_time(spotify, liked, tmp_path):
    for run in range(12):
        cut_off(spotify, LIKED, after=3)
        report = sync(NOW + timedelta(minutes=2 * run))
        if report.complete:
            break
        assert report.paused and report.gone == 0
    spotify.faults.clear()
    assert sync(NOW + timedelta(hours=1)).complete
    assert Entry.objects.count() == 1000
    assert Collection.objects.get(kind="liked").problem == ""
    assert [answered(spotify, offset) for offset in range(50, 1000, 50)] == [1] * 19  # only the head is read again
    assert kept_files(tmp_path) == []


def test_a_cut_off_list_removes_nothing_and_once_whole_all_that_went(spotify, liked):
    sync(NOW)
    gone = {saved["track"]["name"] for saved in (liked.liked.pop(700), liked.liked.pop(30))}
    for run in range(1, 4):
        cut_off(spotify, LIKED, after=6)
        report = sync(NOW + timedelta(hours=run))
        assert (report.gone, Entry.objects.count()) == (0, 1000)
    spotify.faults.clear()
    assert sync(NOW + timedelta(hours=5)).gone == 2
    assert not Entry.objects.filter(track__title__in=gone).exists()


def test_a_playlist_goes_on_where_it_was_cut_off(spotify, anna):
    anna.playlists = [Playlist(1, "Long", entries=entries(range(400)))]
    cut_off(spotify, ITEMS, after=5)
    read(spotify)
    records, _ = read(spotify)
    assert records["Long"].complete and titles(records["Long"]) == [f"Song {number}" for number in range(400)]
    assert offsets(spotify, f"/playlists/{anna.playlists[0].key}/items") == [0, 50, 100, 150, 200, 250, 250, 300, 350]


def test_where_only_the_last_look_was_refused_no_page_is_read_again(spotify, anna):
    anna.playlists = [Playlist(1, "Long", entries=entries(range(120)))]
    spotify.fault(r"/playlists/\w+", 503)
    assert not read(spotify)[0]["Long"].complete
    assert read(spotify)[0]["Long"].complete
    assert offsets(spotify, f"/playlists/{anna.playlists[0].key}/items") == [0, 50, 100, 100]


# --- What changed in between ---


def test_songs_liked_in_between_come_first_and_cost_no_page(spotify, liked):
    cut_off(spotify, LIKED, after=12)
    read(spotify)
    liked.liked[:0] = numbered(5000, 3)
    record = read(spotify)[0]["Liked songs"]
    assert record.complete and titles(record) == liked_titles(liked)
    assert offsets(spotify, "/me/tracks")[13:15] == [0, 603]


@pytest.mark.parametrize("place", [0, 30, 300, 900])
@pytest.mark.parametrize("came", [0, 1])
def test_a_like_that_was_taken_back_in_between_has_all_of_it_read_anew(spotify, liked, place, came):
    cut_off(spotify, LIKED, after=12)
    read(spotify)
    liked.liked.pop(place)
    liked.liked[:0] = numbered(5000, came)
    record = read(spotify)[0]["Liked songs"]
    assert record.complete and titles(record) == liked_titles(liked)
    assert offsets(spotify, "/me/tracks")[13:15] == [0, 50]


def test_songs_liked_while_the_pages_are_read_cost_the_head_alone(spotify, liked):
    spotify.meanwhile(LIKED, lambda: liked.liked.insert(0, numbered(6000, 1)[0]), skip=19)
    record = read(spotify)[0]["Liked songs"]
    assert record.complete and titles(record) == liked_titles(liked)
    assert len(spotify.paths()) < 27


def test_a_playlist_that_changed_in_between_is_read_anew(spotify, anna):
    anna.playlists = [Playlist(1, "Long", entries=entries(range(400)))]
    cut_off(spotify, ITEMS, after=5)
    read(spotify)
    anna.playlists[0].change(entries([*range(50, 400), *range(50)]))
    record = read(spotify)[0]["Long"]
    assert record.complete and titles(record)[0] == "Song 50"
    assert offsets(spotify, f"/playlists/{anna.playlists[0].key}/items")[6:8] == [0, 50]


def test_two_accounts_never_go_on_with_each_others_songs(spotify, liked):
    cut_off(spotify, LIKED, after=4)
    sync(NOW)
    spotify.add(User("ben", liked=numbered(2000, 300)))
    connect(spotify, "ben")
    Service.objects.go_on("spotify")
    assert sync(NOW + timedelta(hours=1)).complete
    assert Entry.objects.filter(collection__account="ben").count() == 300


# --- The file ---


def damage(path: Path, how: str) -> None:
    text = path.read_text()
    lines = text.splitlines()
    path.write_text({"cut off": text[:-40], "other shape": "[1]\n" * 3, "other names": text.replace('"isrc"', '"code"'),
                     "empty": "", "no page": lines[0]}[how])  # fmt: skip


@pytest.mark.parametrize("how", ["cut off", "other shape", "other names", "empty", "no page"])
def test_a_damaged_file_costs_only_the_reading(spotify, liked, tmp_path, how):
    cut_off(spotify, LIKED, after=6)
    read(spotify)
    (kept,) = kept_files(tmp_path)
    damage(kept, how)
    record = read(spotify)[0]["Liked songs"]
    assert record.complete and titles(record) == liked_titles(liked)
    assert kept_files(tmp_path) == []


def test_the_file_is_its_owners_alone_and_forgotten_after_a_month(spotify, liked, tmp_path):
    cut_off(spotify, LIKED, after=6)
    read(spotify)
    (kept,) = kept_files(tmp_path)
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700
    os.utime(kept, (time.time() - KEPT_FOR - 60,) * 2)
    liked.liked = []
    read(spotify)
    assert kept_files(tmp_path) == []
