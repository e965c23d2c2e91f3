"""Jellyfin and Plex, by the addresses, headers and bodies that their published interfaces name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from catalog.models import Event, Track
from catalog.system.encryption import seal
from downloads.models import Player
from downloads.players.media_servers import AT_ONCE, Jellyfin, Plex
from downloads.players.tell import tell_all
from downloads.players.web_api import PlayerError
from tests.fakes import media_servers as fakes
from tests.fakes.media_servers import FakeJellyfin, FakePlex, MediaServer
from tests.world import World

NOCTURNES = [fakes.Song(f"Nocturne {number}", "Nocturnes", "Chopin", "/x") for number in range(AT_ONCE + 5)]


@pytest.fixture
def jellyfin() -> Iterator[FakeJellyfin]:
    with FakeJellyfin() as server:
        yield server


@pytest.fixture
def plex() -> Iterator[FakePlex]:
    with FakePlex() as server:
        yield server


# --- Telling them -----------------------------------------------------------------------------------------


def test_jellyfin_hears_of_the_folders_or_of_everything(jellyfin: FakeJellyfin) -> None:
    server = Jellyfin(f"{jellyfin.url}/", "", fakes.JELLYFIN_KEY)
    assert server.refresh(["/media/Ólöf/Hafið"]) == "It looks through what has changed."
    server.refresh([])
    assert jellyfin.asked == ["POST /Library/Media/Updated", "POST /Library/Refresh"]


def test_plex_refreshes_the_folders_of_its_music_alone(plex: FakePlex) -> None:
    server = Plex(plex.url, fakes.PLEX_TOKEN)
    server.refresh(["/data/music/A & B", "/data/music/C"])
    assert plex.asked == [
        "GET /library/sections",
        "GET /library/sections/4/refresh?path=%2Fdata%2Fmusic%2FA+%26+B",
        "GET /library/sections/4/refresh?path=%2Fdata%2Fmusic%2FC",
    ]
    server.refresh([])
    assert plex.asked[-1] == "GET /library/sections/4/refresh"
    with pytest.raises(PlayerError, match="check how Plex names it"):
        server.refresh(["/somewhere/else"])


def test_a_wrong_key_and_a_server_that_is_away_are_said_without_the_key(jellyfin: FakeJellyfin, plex: FakePlex) -> None:
    away = "http://127.0.0.1:9"
    wrong = [Jellyfin(jellyfin.url, "", "wr0ng"), Jellyfin(jellyfin.url, "anna", "wr0ng"), Plex(plex.url, "wr0ng")]
    for server in wrong:
        with pytest.raises(PlayerError, match=r"^It refused the password or token\.$"):
            server.refresh([])
    for server in (Jellyfin(away, "", "k3y"), Jellyfin(away, "anna", "k3y"), Plex(away, "k3y")):
        with pytest.raises(PlayerError, match=r"^It could not be reached\.$"):
            server.refresh([])


# --- Playlists --------------------------------------------------------------------------------------------


def came(world: World, title: str) -> Track:
    track = next(track for name, track in world.tracks.items() if name.endswith(title))
    Event.objects.create(track=track, kind=Event.Kind.FINISH, at=world.now)
    return track


def finds(server: MediaServer, world: World, title: str) -> None:
    """Its scan has come to the song's file, which it knows under a folder of its own."""
    track = next(track for name, track in world.tracks.items() if name.endswith(title))
    place = PurePosixPath("/data/music") / PurePosixPath(track.local_path).relative_to(world.root)
    server.find(fakes.Song(track.title, "other tags", "than ours", str(place)))  # type: ignore[attr-defined]


@pytest.fixture(params=["jellyfin", "plex"])
def server(request: pytest.FixtureRequest, world: World) -> MediaServer:
    """A server that heard of everything, and has found the morning's song alone."""
    made: MediaServer = request.getfixturevalue(request.param)
    user = fakes.JELLYFIN_USER if request.param == "jellyfin" else ""
    secret = fakes.JELLYFIN_PASSWORD if request.param == "jellyfin" else fakes.PLEX_TOKEN
    Player.objects.create(kind=request.param, address=made.url, user=user, secret=seal(secret))
    finds(made, world, "Morning")
    tell_all(world.now)
    tell_all(world.later(seconds=4))
    return made


def ended_well() -> bool:
    return Player.objects.filter(ok=True, answer__startswith="It ").count() == 1


@pytest.mark.django_db
def test_a_playlist_holds_what_the_server_has_found_and_stays_one_when_it_is_renamed(
    world: World, server: MediaServer
) -> None:
    name = world.collection.name
    assert server.shown() == {name: ["Morning"]} and ended_well()
    ids = list(server.playlists)
    came(world, "Noon")
    finds(server, world, "Noon")
    tell_all(world.later(minutes=2))
    tell_all(world.later(seconds=4))
    assert server.shown() == {name: ["Morning", "Noon"]}

    world.collection.name = "For the evening"
    world.collection.save()
    tell_all(world.later(minutes=2))
    tell_all(world.later(seconds=4))
    assert server.shown() == {"For the evening": ["Morning", "Noon"]}
    assert list(server.playlists) == ids and ended_well()


@pytest.mark.django_db
def test_a_song_that_the_server_finds_minutes_later_is_still_put_in(world: World, server: MediaServer) -> None:
    tell_all(world.later(seconds=20))
    finds(server, world, "Noon")
    tell_all(world.later(seconds=70))
    assert server.shown() == {world.collection.name: ["Morning", "Noon"]}
    tell_all(world.later(minutes=5))
    asked = len(server.asked)
    tell_all(world.later(minutes=1))
    assert len(server.asked) == asked, "it is not asked for ever"


@pytest.mark.django_db
def test_lists_of_others_stay_and_one_that_is_switched_off_goes(world: World, server: MediaServer) -> None:
    server.playlists |= {"f" * 32: ("Anna's own", [])}
    world.collection.enabled = False
    world.collection.save()
    tell_all(world.later(minutes=2))
    tell_all(world.later(seconds=4))
    assert server.shown() == {"Anna's own": []} and ended_well()


@pytest.mark.django_db
def test_plex_is_not_asked_for_songs_while_it_scans(world: World, plex: FakePlex) -> None:
    plex.refreshing = True
    Player.objects.create(kind="plex", address=plex.url, secret=seal(fakes.PLEX_TOKEN))
    tell_all(world.now)
    assert tell_all(world.later(seconds=4)) and not any("/all" in asked for asked in plex.asked)
    plex.refreshing = False
    tell_all(world.later(seconds=4))
    assert any("/all" in asked for asked in plex.asked)


@pytest.mark.django_db
def test_jellyfin_by_an_api_key_is_told_and_gets_no_playlists(world: World, jellyfin: FakeJellyfin) -> None:
    Player.objects.create(kind="jellyfin", address=jellyfin.url, secret=seal(fakes.JELLYFIN_KEY))
    finds(jellyfin, world, "Morning")
    tell_all(world.now)
    tell_all(world.later(seconds=4))
    assert jellyfin.asked == ["POST /Library/Refresh"] and ended_well()


def test_a_long_playlist_goes_to_plex_in_parts(plex: FakePlex) -> None:
    keys = [plex.find(song) for song in NOCTURNES]
    server = Plex(plex.url, fakes.PLEX_TOKEN)
    made = server.put_playlist("", "All", keys)
    assert plex.playlists == {made: ("All", keys)}
    server.put_playlist(made, "All", keys[::-1])
    assert plex.playlists == {made: ("All", keys[::-1])}
    server.put_playlist(made, "None", [])
    assert plex.playlists == {made: ("None", [])}
