"""Complete or nothing removed: whatever goes wrong on whatever page, no record claims to be whole that is not."""

# mypy: disable-error-code="union-attr,operator"
from __future__ import annotations

from collections.abc import Callable

import pytest

from catalog.music.records import WITHDRAWN, CollectionRecord
from catalog.spotify.library_reader import Known, KnownCollection
from tests.fakes.spotify import Playlist, SavedAlbum, SpotifyStandIn, User
from tests.fakes.spotify_objects import album, entries, numbered, playlist_entry, spotify_id
from tests.fakes.spotify_use import as_known, connect, read, titles

pytestmark = pytest.mark.django_db
PAGES = range(4)
LIKED, ITEMS, ALBUM_TRACKS = r"/me/tracks", r"/playlists/\w+/items", r"/albums/\w+/tracks"


# What the catalog knows: all of it read whole before, at another version.
KNOWN = {
    ("liked", "liked"): KnownCollection("Liked songs", "head:before", tracks=180),
    ("playlist", spotify_id("plist", 1)): KnownCollection("Road trip", "before", tracks=180),
}


@pytest.fixture
def liked(anna: User) -> User:
    """180 liked songs: four pages."""
    anna.liked = numbered(0, 180)
    return anna


@pytest.fixture
def road_trip(anna: User) -> Playlist:
    """A playlist of 180 songs: four pages."""
    anna.playlists = [Playlist(1, "Road trip", entries=entries(range(180)))]
    return anna.playlists[0]


def loop(page: dict) -> None:
    page["next"] = f"http://127.0.0.1/v1/me/tracks?offset={page['offset']}&limit=50"


def shorten(page: dict) -> None:
    page["items"] = page["items"][:-3]


def empty(page: dict) -> None:
    page["items"] = []


def null_items(page: dict) -> None:
    page["items"] = [None] * len(page["items"])


def null_tracks(page: dict) -> None:
    for entry in page["items"]:
        entry.pop("track", None)
        entry["item"] = None


def lose_items(page: dict) -> None:
    page["items"] = None


def total_drifts(page: dict) -> None:
    page["total"] -= 1


def end_early(page: dict) -> None:
    page["next"] = None


Fault = Callable[[SpotifyStandIn, str, int], None]


def twisted(edit: Callable[[dict], object]) -> Fault:
    return lambda spotify, path, skip: spotify.twist(path, edit, skip=skip, times=99)


FAULTS: dict[str, Fault] = {
    "a server error": lambda spotify, path, skip: spotify.fault(path, 500, skip=skip),
    "not found": lambda spotify, path, skip: spotify.fault(path, 400, skip=skip),
    "no JSON": lambda spotify, path, skip: spotify.fault(path, 200, body=b"<html>", skip=skip),
    "JSON that is no page": lambda spotify, path, skip: spotify.fault(path, 200, body=["?"], skip=skip),
    "an error without an object": lambda spotify, path, skip: spotify.fault(path, 502, body=["?"], skip=skip),
    "a redirect": lambda spotify, path, skip: spotify.fault(
        path, 302, headers={"Location": f"{spotify.url}/v1/me/tracks"}, skip=skip
    ),
    "too many requests": lambda spotify, path, skip: spotify.fault(
        path, 429, headers={"Retry-After": "86400"}, skip=skip
    ),
    "a short page": twisted(shorten),
    "an empty page": twisted(empty),
    "null items": twisted(null_items),
    "no items": twisted(lose_items),
}
# Faults that the last page cannot have: it has no next, or nothing comes after it.
FAULTS_IN_BETWEEN = {"a looping next": twisted(loop), "an end too early": twisted(end_early)}


def cases(pages: range = PAGES) -> list:
    every = [(name, fault, page) for name, fault in FAULTS.items() for page in pages]
    between = [(name, fault, page) for name, fault in FAULTS_IN_BETWEEN.items() for page in pages[:-1]]
    drift = [("the total drifts", twisted(total_drifts), page) for page in pages[1:]]
    return [pytest.param(fault, page, id=f"{name} on page {page + 1}") for name, fault, page in every + between + drift]


def withdrawals() -> list:
    return [pytest.param(twisted(null_tracks), page, id=f"no songs on page {page + 1}") for page in PAGES]


def look(spotify: SpotifyStandIn, name: str, known: Known = KNOWN) -> CollectionRecord:
    return read(spotify, known)[0][name]


def is_incomplete(record: CollectionRecord) -> bool:
    """Not whole, says why, and brings only songs."""
    return not record.complete and record.problem.endswith(".") and all(entry.track for entry in record.entries)


@pytest.mark.parametrize(("fault", "page"), [*cases(), *withdrawals()])
def test_a_fault_on_any_page_of_the_liked_songs_makes_the_read_incomplete(spotify, liked, fault, page):
    fault(spotify, LIKED, page)
    assert is_incomplete(look(spotify, "Liked songs"))


@pytest.mark.parametrize(("fault", "page"), [*cases(), *withdrawals()])
def test_a_fault_on_any_page_of_a_playlist_makes_the_read_incomplete(spotify, road_trip, fault, page):
    fault(spotify, ITEMS, page)
    assert is_incomplete(look(spotify, "Road trip"))


@pytest.mark.parametrize(("fault", "page"), cases(range(3)))
def test_a_fault_on_any_page_of_an_album_makes_the_read_incomplete(spotify, anna, fault, page):
    anna.albums = [SavedAlbum.of(album(1, "Long Player", tracks=180), first=0)]
    fault(spotify, ALBUM_TRACKS, page)  # the first page comes with the list of albums
    assert is_incomplete(look(spotify, "Long Player"))


@pytest.mark.parametrize("page", PAGES)
def test_a_song_added_while_the_pages_are_read_has_them_read_once_more(spotify, liked, page):
    spotify.meanwhile(LIKED, lambda: liked.liked.insert(0, numbered(900, 1)[0]), skip=page)
    record = look(spotify, "Liked songs")
    assert record.complete
    assert titles(record) == [saved["track"]["name"] for saved in liked.liked]


@pytest.mark.parametrize("page", PAGES)
def test_a_playlist_that_changes_at_every_look_is_not_whole(spotify, road_trip, page):
    spotify.meanwhile(ITEMS, lambda: road_trip.change(road_trip.entries[::-1]), skip=page, times=99)
    record = look(spotify, "Road trip")
    assert not record.complete and "changed while it was being read" in record.problem


def test_a_playlist_whose_version_cannot_be_confirmed_is_not_whole(spotify, road_trip):
    spotify.fault(r"/playlists/\w+", 500)
    assert is_incomplete(look(spotify, "Road trip"))


def test_a_list_that_is_suddenly_empty_is_not_believed(spotify, liked, road_trip):
    liked.liked = []
    road_trip.change([])
    records, _ = read(spotify, KNOWN)
    assert [records[name].complete for name in ("Liked songs", "Road trip")] == [False, False]
    assert "kept" in records["Road trip"].problem


def test_an_empty_list_that_was_never_anything_else_is_whole(spotify, anna):
    anna.playlists = [Playlist(1, "New")]
    records, _ = read(spotify)
    assert records["New"].complete and records["Liked songs"].complete


def test_many_songs_withdrawn_at_once_are_believed_when_said_twice(spotify, road_trip):
    road_trip.change([*entries(range(130)), *[playlist_entry(None) for _ in range(50)]])
    first = look(spotify, "Road trip")
    assert is_incomplete(first) and len(first.entries) == 130
    remembered = {(first.kind, first.key): KnownCollection("Road trip", tracks=180, problem=first.problem)}
    second = look(spotify, "Road trip", remembered)
    assert second.complete and titles(second).count(WITHDRAWN) == 50


def test_a_few_withdrawn_songs_are_nothing_unusual(spotify, road_trip):
    road_trip.change([*entries(range(178)), playlist_entry(None), playlist_entry(None)])
    record = look(spotify, "Road trip")
    assert record.complete and titles(record).count(WITHDRAWN) == 2


def test_a_playlist_that_is_opened_no_longer_keeps_what_was_in_it(spotify, road_trip):
    spotify.fault(ITEMS, 403, body={"error": {"status": 403, "message": "Forbidden"}})
    record = look(spotify, "Road trip")
    assert record.closed and not record.complete and "kept" in record.problem


# --- The lists of playlists and albums ---


def test_a_playlist_that_is_listed_no_longer_may_be_forgotten(spotify, anna):
    anna.playlists = [Playlist(number) for number in range(60)]
    known = as_known(read(spotify)[0])
    del anna.playlists[7]
    _, reading = read(spotify, known)
    assert set(known) - reading.still_there == {("playlist", spotify_id("plist", 7))}
    assert reading.problems == []


@pytest.mark.parametrize("page", [0, 1])
@pytest.mark.parametrize("fault", [*FAULTS.values()], ids=[*FAULTS])
@pytest.mark.parametrize("path", ["/me/playlists", "/me/albums"])
def test_a_list_that_is_not_whole_lets_nothing_be_forgotten(spotify, anna, path, fault, page):
    anna.playlists = [Playlist(number) for number in range(60)]
    anna.albums = [SavedAlbum.of(album(n, tracks=1), n, f"2024-01-01T00:{n:02d}:00Z") for n in range(60)][::-1]
    known = {("playlist", playlist.key): KnownCollection("", playlist.snapshot) for playlist in anna.playlists}
    known |= {("album", saved.album["id"]): KnownCollection("", f"{saved.added_at}|") for saved in anna.albums}
    del anna.playlists[7], anna.albums[7]
    fault(spotify, path, page)
    _, reading = read(spotify, known)
    kind = {"/me/playlists": "playlist", "/me/albums": "album"}[path]
    assert not [key for key in set(known) - reading.still_there if key[0] == kind]
    assert reading.problems or reading.notes or reading.refusal


def test_no_playlists_where_there_were_some_lets_nothing_be_forgotten(spotify, anna):
    anna.playlists = [Playlist(1), Playlist(2)]
    known = as_known(read(spotify)[0])
    anna.playlists = []
    _, reading = read(spotify, known)
    assert set(known) == reading.still_there
    assert "not whole" in reading.problems[0]


def test_a_playlist_that_always_fails_does_not_keep_the_others_from_being_read(spotify, anna):
    anna.playlists = [Playlist(number, entries=entries([number])) for number in range(3)]
    sick = anna.playlists[0]
    spotify.fault(f"/playlists/{sick.key}/items", 500, times=99)
    first, _ = read(spotify)
    assert list(first) == ["Liked songs", "Playlist 0"]
    second, _ = read(spotify, as_known(first))
    assert list(second) == ["Liked songs", "Playlist 1", "Playlist 2", "Playlist 0"]


def test_a_refused_read_stops_asking(spotify, liked):
    spotify.fault(r"/me/playlists", 429, headers={"Retry-After": "30"})
    connect(spotify)
    records, reading = read(spotify)
    assert list(records) == ["Liked songs"] and reading.refusal.reason == "Spotify asks for fewer requests."
    assert spotify.paths()[-1] == "/v1/me/playlists"
