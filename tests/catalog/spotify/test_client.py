"""Real spotipy over HTTP against a Spotify of our own."""

# mypy: disable-error-code="union-attr,operator"
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from catalog.music.records import ALBUM, EPISODE, LIKED, LOCAL, PLAYLIST, WITHDRAWN
from catalog.spotify.client import read_library
from tests.fakes.spotify import Playlist, SavedAlbum, User
from tests.fakes.spotify_objects import (
    album,
    entries,
    episode,
    local_track,
    numbered,
    playlist_entry,
    spotify_id,
    track,
)
from tests.fakes.spotify_use import NOW, as_known, connect, read, titles

pytestmark = pytest.mark.django_db
# --- A whole library ---


def test_liked_songs_playlists_and_saved_albums_come_in_whole(spotify, anna):
    anna.liked = numbered(0, 120)
    anna.playlists = [Playlist(1, "Road trip", entries=entries(range(60)))]
    anna.albums = [SavedAlbum.of(album(1, "Long Player", tracks=70), first=500)]
    records, reading = read(spotify)
    liked, road_trip, long_player = (records[name] for name in ("Liked songs", "Road trip", "Long Player"))
    assert [record.complete for record in records.values()] == [True] * 3
    assert titles(liked) == [f"Song {number}" for number in reversed(range(120))]
    assert titles(road_trip) == [f"Song {number}" for number in range(60)]
    assert titles(long_player) == [f"Song {number}" for number in range(500, 570)]
    assert (liked.kind, road_trip.kind, long_player.kind) == (LIKED, PLAYLIST, ALBUM)
    assert {record.account for record in records.values()} == {"anna"}
    assert reading.refusal is None and reading.problems == []


def test_a_song_keeps_all_that_spotify_says_of_it(spotify, anna):
    anna.liked = [{"added_at": "2024-05-06T07:08:09Z", "track": track(7, "Nachtlied", "Ida Bär", explicit=True)}]
    (entry,) = read(spotify)[0]["Liked songs"].entries
    song = entry.track
    assert (song.title, song.artists, song.isrc) == ("Nachtlied", ("Ida Bär",), "QZTST0000007")
    assert song.spotify_id == spotify_id("track", 7)
    assert (song.album, song.album_artists) == ("Album 0", ("The Tests",))
    assert (song.duration_ms, song.track_number, song.disc_number, song.explicit) == (169_000, 8, 1, True)
    assert (song.release_date, song.cover_url) == ("2001-02-03", "https://i.scdn.co/image/0")
    assert entry.added_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_what_is_no_track_keeps_its_place_with_a_reason(spotify, anna):
    odd = [playlist_entry(episode(1)), playlist_entry(local_track()), playlist_entry(None)]
    anna.playlists = [Playlist(1, "Odd", entries=[*entries([1]), *odd])]
    record = read(spotify)[0]["Odd"]
    assert titles(record) == ["Song 1", EPISODE, LOCAL, WITHDRAWN]
    assert [entry.label for entry in record.entries] == ["", "Episode 1 – The Show", "Aunt Ida – Home Recording", ""]
    assert record.complete and record.total == 4


def test_a_playlist_that_spotify_does_not_open_is_listed_as_closed_and_asked_for_once(spotify, anna):
    anna.playlists = [Playlist(1, "Discover Weekly", owner="spotify", entries=entries([1, 2]))]
    records, _ = read(spotify)
    closed = records["Discover Weekly"]
    assert closed.closed and not closed.entries and "does not open" in closed.problem
    anna.playlists[0].version += 1
    before = len(spotify.paths())
    assert read(spotify, as_known(records))[0]["Discover Weekly"].closed
    assert not [path for path in spotify.paths()[before:] if "/items" in path]


def test_a_household_reads_two_accounts_side_by_side(spotify):
    spotify.add(User("anna", liked=numbered(0, 3)))
    spotify.add(User("ben", liked=numbered(2, 2)))
    both = [connect(spotify, "anna"), connect(spotify, "ben")]
    records = [next(read_library(account, {}, NOW)) for account in both]
    assert [(record.account, len(record.entries)) for record in records] == [("anna", 3), ("ben", 2)]


# --- Only what has changed ---


@pytest.mark.long
def test_an_unchanged_library_of_5000_songs_and_60_playlists_costs_four_calls(spotify, anna):
    anna.liked = numbered(0, 5000)
    anna.playlists = [Playlist(number, entries=entries(range(number, number + 5))) for number in range(60)]
    anna.albums = [SavedAlbum.of(album(number), 9000 + number * 10) for number in range(60)]
    first, _ = read(spotify)
    before = len(spotify.paths())
    second, reading = read(spotify, as_known(first))
    calls = spotify.paths()[before:]
    assert calls == ["/v1/me/tracks", "/v1/me/playlists", "/v1/me/playlists", "/v1/me/albums"]
    assert len(second) == 121 and all(record.unchanged for record in second.values())
    assert reading.still_there == set(as_known(first))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda anna: anna.liked.insert(0, numbered(900, 1)[0]), id="a song liked"),
        pytest.param(lambda anna: anna.liked.pop(130), id="an old like taken back"),
        pytest.param(lambda anna: (anna.liked.pop(130), anna.liked.insert(0, numbered(900, 1)[0])), id="both"),
    ],
)
def test_a_change_of_the_liked_songs_has_them_read_again(spotify, anna, change):
    anna.liked = numbered(0, 140)
    first, _ = read(spotify)
    change(anna)
    liked = read(spotify, as_known(first))[0]["Liked songs"]
    assert liked.complete and not liked.unchanged
    assert titles(liked) == [saved["track"]["name"] for saved in anna.liked]


def test_a_changed_playlist_is_read_and_its_neighbours_are_not(spotify, anna):
    anna.playlists = [Playlist(number, entries=entries([number])) for number in range(3)]
    first, _ = read(spotify)
    anna.playlists[1].change(entries([7, 8]))
    records, _ = read(spotify, as_known(first))
    assert [record.unchanged for record in records.values()] == [True, True, False, True]
    assert titles(records["Playlist 1"]) == ["Song 7", "Song 8"]


def test_a_new_album_and_one_taken_back_are_noticed(spotify, anna):
    anna.albums = [SavedAlbum.of(album(n), n * 10, f"2024-01-01T00:{59 - n:02d}:00Z") for n in range(1, 55)]
    known = as_known(read(spotify)[0])
    anna.albums.pop()
    anna.albums.insert(0, SavedAlbum.of(album(99), 990, "2024-02-01T00:00:00Z"))
    records, reading = read(spotify, known)
    assert titles(records["Album 99"])[0] == "Song 990"
    assert set(known) - reading.still_there == {(ALBUM, spotify_id("album", 54))}
