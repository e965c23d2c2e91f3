"""A real Subsonic server, supysonic from the package index: it scans, and holds the playlists by their ids."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mutagen import id3

from catalog.models import Event, Track
from catalog.system.encryption import seal
from downloads.models import Player
from downloads.players.subsonic import Subsonic
from downloads.players.tell import tell_all
from tests.audio import make_audio
from tests.real_players import PASSWORD, USER, install_supysonic, running_supysonic, supysonic_playlists
from tests.world import World

pytestmark = [pytest.mark.long, pytest.mark.django_db]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_supysonic(tmp_path_factory.mktemp("supysonic") / "venv")


@pytest.fixture
def server(programs: Path, world: World, tmp_path: Path) -> Iterator[str]:
    """Its address; it serves the music folder."""
    with running_supysonic(programs, world.root, tmp_path / "supysonic") as address:
        yield address


def eventually(holds: Callable[[], bool], within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def comes(world: World, tone: Path, title: str) -> Track:
    """A song that was fetched just now."""
    track = world.make_track(title, artist="Chopin", album="Nocturnes")
    path = world.put_file(track, tone.read_bytes(), f"Chopin/Nocturnes/{title}.mp3")
    tags = id3.ID3()
    for frame in (id3.TIT2(text=title), id3.TPE1(text="Chopin"), id3.TALB(text="Nocturnes")):
        tags.add(frame)
    tags.save(path)
    Event.objects.create(track=track, kind=Event.Kind.FINISH, at=world.now)
    return track


def test_a_song_stands_in_the_servers_playlist_within_a_minute_of_its_coming(
    world: World, server: str, tmp_path: Path
) -> None:
    for path in world.root.rglob("*.mp3"):
        path.unlink()  # the sample's files are no music
    shutil.rmtree(world.root / "Playlists", ignore_errors=True)
    tone = Path(make_audio(tmp_path / "tone.mp3", 4))
    player = Player.objects.create(
        kind=Player.Kind.SUBSONIC, address=server, user=USER, secret=seal(PASSWORD), asked=False
    )
    api = Subsonic(server, USER, PASSWORD)

    def titles() -> dict[str, list[str]] | None:
        """Name -> titles of each of the server's playlists, after one more look by the job."""
        tell_all(world.later(seconds=4))
        return supysonic_playlists(server)

    comes(world, tone, "First Nocturne")
    eventually(lambda: titles() == {world.collection.name: ["First Nocturne"]})
    ids = list(api.playlists())
    world.later(minutes=1)
    comes(world, tone, "Second Nocturne")
    eventually(lambda: titles() == {world.collection.name: ["First Nocturne", "Second Nocturne"]})

    world.collection.name = "For the evening"
    world.collection.save()
    world.later(minutes=1)
    eventually(lambda: titles() == {"For the evening": ["First Nocturne", "Second Nocturne"]})
    assert list(api.playlists()) == ids, "a renamed list stays one"
    player.refresh_from_db()
    assert player.ok and PASSWORD not in player.answer
