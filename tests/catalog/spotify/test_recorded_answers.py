"""Everything that was ever recorded of Spotify goes through; and our stand-in speaks as the OpenAPI file says."""

# mypy: disable-error-code="union-attr,operator"
from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any

import pytest
import yaml

from catalog.models import Account
from catalog.music.records import REASONS, SPOTIFY_ID, UNREADABLE, EntryRecord, clean_isrc
from catalog.spotify.auth import RowToken
from catalog.spotify.client import Api
from catalog.spotify.library_reader import KnownCollection
from catalog.spotify.parse import entry_of, entry_of_track, moment
from tests.fakes.spotify import Playlist, SavedAlbum, User
from tests.fakes.spotify_objects import album, entries, episode, numbered, playlist_entry, spotify_id
from tests.fakes.spotify_use import connect, read, titles
from tests.shared import SHARED_DATA, needs_shared

RECORDED = SHARED_DATA / "spotify_api"


def is_legal(entry: EntryRecord) -> bool:
    track = entry.track
    if track is None:
        return entry.reason in REASONS
    texts = [track.title, track.album, *track.artists, *track.album_artists, entry.label]
    numbers = [track.duration_ms, track.track_number, track.disc_number]
    return (
        bool(track.title)
        and all("\x00" not in text and text == text.strip() and text.encode() is not None for text in texts)
        and all(number is None or 1 <= number < 2**31 for number in numbers)
        and (not track.spotify_id or bool(SPOTIFY_ID.match(track.spotify_id)))
        and track.isrc == clean_isrc(track.isrc)
        and (not track.cover_url or track.cover_url.startswith("https://"))
    )


def recorded_tracks() -> list[Any]:
    """Every object of type track or episode anywhere in the recordings."""
    found: list[Any] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if value.get("type") in ("track", "episode") and "name" in value:
                found.append(value)
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    for path in sorted(RECORDED.rglob("*.json*")):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in data.splitlines() if ".jsonl" in path.name else [data]:
            walk(json.loads(line))
    return found


@needs_shared
def test_each_odd_object_is_a_legal_record_or_has_a_reason():
    objects = [json.loads(line)["object"] for line in (RECORDED / "odd_objects.jsonl").read_text().splitlines()]
    assert len(objects) == 165
    found = [entry_of_track(raw) for raw in objects] + [entry_of({"item": raw}) for raw in objects]
    assert [entry for entry in found if not is_legal(entry)] == []
    reasons = [entry.reason for entry in found[:165]]
    assert (reasons.count("episode"), reasons.count("local"), reasons.count(UNREADABLE)) == (12, 4, 14)


@needs_shared
def test_each_recorded_track_is_a_legal_record():
    tracks = recorded_tracks()
    assert len(tracks) >= 808
    assert [raw for raw in tracks if not is_legal(entry_of_track(raw))] == []
    songs = [raw for raw in tracks if raw["type"] == "track" and raw["name"] and not raw.get("is_local")]
    assert all(entry_of_track(raw).track for raw in songs)


@needs_shared
def test_each_reported_answer_without_a_track_is_a_withdrawn_place():
    rows = json.loads((RECORDED / "reported_answers.json").read_text())
    items = [row["item"] for row in rows if "track" in row.get("item", {}) and "added_at" in row["item"]]
    assert len(items) == 3
    assert {entry_of(item).reason for item in items} == {"withdrawn"}


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "text",
        7,
        [],
        {},
        {"item": True},
        {"track": []},
        {"item": {"type": "track", "name": None}},
        {"item": {"type": "track", "name": ["a"], "artists": "b", "album": 3}},
        {"item": {"type": "track", "name": "\ud800", "artists": [None, {"name": 4}], "album": {"images": [None]}}},
        {"item": {"type": "track", "name": "\x00", "artists": [{"name": "x\x00y"}]}},
        {"item": {"type": "track", "name": "a", "duration_ms": 1e300, "track_number": True, "disc_number": "1"}},
        {"item": {"type": "track", "name": "a", "id": "../../etc", "external_ids": {"isrc": "?"}}},
        {"added_at": "9999-99-99", "item": {"type": "track", "name": "a", "album": {"release_date": "0000"}}},
        {"added_at": "0001-01-01T00:00:00+14:00", "item": {"name": "a", "album": {"artists": [[]]}}},
    ],
)
def test_nothing_that_stands_in_an_entrys_place_raises(raw):
    assert is_legal(entry_of(raw)) and is_legal(entry_of_track(raw))


def test_a_relinked_track_keeps_the_id_that_was_saved():
    raw = {"name": "a", "id": "6z0imbQJzYJyJFbvrHszJk", "linked_from": {"id": "3R18Ec39yVNJxD410sxlq3"}}
    assert entry_of_track(raw).track.spotify_id == "3R18Ec39yVNJxD410sxlq3"


def test_a_moment_that_spotify_does_not_know_is_none():
    assert moment("1970-01-01T00:00:00Z") is None
    assert moment("2013-01-19T21:31:09Z").isoformat() == "2013-01-19T21:31:09+00:00"


# --- The recordings over HTTP, and the OpenAPI file ---


def page_of(name: str) -> Any:
    return json.loads((RECORDED / name).read_text())


@needs_shared
@pytest.mark.django_db
def test_the_recorded_pages_come_in_over_http(spotify, anna):
    liked, albums = page_of("python-spotify/saved_tracks.json"), page_of("python-spotify/saved_albums.json")
    spotify.replay("/me/tracks", liked)
    spotify.replay("/me/albums", albums)
    listed = page_of("python-spotify/current_user_playlist_1.json")
    spotify.replay("/me/playlists", listed)
    spotify.replay("/playlists/PL9shlqId7gLtKrSFj0s9J", listed["items"][0])
    spotify.replay("/playlists/PL9shlqId7gLtKrSFj0s9J/items", page_of("python-spotify/playlist_items.json"))
    records, reading = read(spotify)
    assert len(records["Liked songs"].entries) == len(liked["items"])
    assert titles(records["To find"]) == [page_of("python-spotify/playlist_items.json")["items"][0]["track"]["name"]]
    for saved in filter(None, albums["items"]):
        assert all(is_legal(entry) for entry in records[saved["album"]["name"]].entries)
    assert any("playlists" in problem for problem in reading.problems)  # its second page was never recorded


@needs_shared
@pytest.mark.django_db
def test_a_null_among_the_playlists_is_said_and_lets_nothing_be_forgotten(spotify, anna):
    page = page_of("python-spotify/current_user_playlists_with_null_2024-11.json")
    nulls = page["items"].count(None)
    assert nulls
    spotify.replay("/me/playlists", page | {"next": None, "total": len(page["items"])})
    gone = ("playlist", spotify_id("plist", 1))
    _, reading = read(spotify, {gone: KnownCollection("Gone", "before", tracks=3)})
    assert gone in reading.still_there and reading.problems == []
    number = "1 playlist" if nulls == 1 else f"{nulls} playlists"
    assert [note.startswith(f"{number} could not be read") for note in reading.notes] == [True]


@needs_shared
@pytest.mark.parametrize("items", ["blues", "pink_floyd", "spoon", "srv"])
def test_recorded_playlists_of_the_old_shape_are_read_as_well(items):
    page = page_of(f"peter-schorn/playlist_items_{items}.json")
    found = [entry_of(raw) for raw in page["items"]]
    assert found and all(is_legal(entry) for entry in found)
    assert sum(entry.track is not None for entry in found) > len(found) * 0.9


@cache
def openapi() -> Any:
    from openapi_core import OpenAPI

    def without_discriminators(value: Any) -> Any:
        """They name schemas that the file does not have."""
        if isinstance(value, dict):
            return {name: without_discriminators(inner) for name, inner in value.items() if name != "discriminator"}
        return [without_discriminators(inner) for inner in value] if isinstance(value, list) else value

    file = RECORDED / "openapi-fixed-sonallux-2026.5.31.yml"
    return OpenAPI.from_dict(without_discriminators(yaml.safe_load(file.read_text())))


@needs_shared
@pytest.mark.django_db
def test_what_is_asked_and_answered_fits_the_openapi_file(spotify):
    from openapi_core.testing import MockRequest, MockResponse

    anna = spotify.add(User("anna", liked=numbered(0, 51)))
    # A local file's nulls, which were recorded often, do not fit the file: there is none in this playlist.
    anna.playlists = [Playlist(1, entries=[*entries(range(51)), playlist_entry(episode(1))])]
    anna.albums = [SavedAlbum.of(album(1, tracks=51), first=100)]
    connect(spotify)
    read(spotify)
    Api(RowToken(Account.objects.get().pk)).me()
    checked = set()
    for asked, answered in spotify.answers:
        args = {**asked.query}
        request = MockRequest(
            "https://api.spotify.com", "get", asked.path, args=args, headers={"Authorization": "Bearer x"}
        )
        openapi().validate_request(request)
        openapi().validate_response(request, MockResponse(json.dumps(answered.body).encode(), answered.status))
        checked.add(asked.path.rsplit("/", 1)[-1])
    assert checked >= {"me", "tracks", "playlists", "items", "albums"}
