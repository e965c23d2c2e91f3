"""Players hear of what came, went or moved: once, in one call in 50 s, and a real one shows the song."""

from __future__ import annotations

import shutil
import socketserver
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings

from catalog.models import Event
from catalog.system.encryption import seal
from downloads.models import Player
from downloads.players.tell import EVERY, SETTLES, tell_all
from tests.audio import make_audio
from tests.real_players import ask_mpd, running_mpd
from tests.world import World

pytestmark = pytest.mark.django_db


class FakeMpd(socketserver.ThreadingTCPServer):
    """Speaks as much of MPD's protocol as `update` needs, and remembers the commands."""

    daemon_threads = True

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.refuses = ""
        super().__init__(("127.0.0.1", 0), _Session)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    server: FakeMpd

    def handle(self) -> None:
        self.wfile.write(b"OK MPD 0.23.5\n")
        for line in self.rfile:
            command = line.decode().strip()
            if command == "command_list_end":
                self.wfile.write(f"ACK {self.server.refuses}\n".encode() if self.server.refuses else b"OK\n")
                return
            if command != "command_list_begin":
                self.server.commands.append(command)


@pytest.fixture
def mpd() -> Iterator[FakeMpd]:
    server = FakeMpd()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def player(world: World, mpd: FakeMpd) -> Player:
    """An MPD that has heard of everything so far."""
    made = Player.objects.create(kind=Player.Kind.MPD, address=mpd.address)
    tell_all(world.now)
    assert mpd.commands == ["update"], "a new player looks through everything"
    mpd.commands.clear()
    world.later(minutes=2)
    return made


def came(world: World, title: str, kind: str = Event.Kind.FINISH) -> None:
    track = next(track for name, track in world.tracks.items() if name.endswith(title))
    Event.objects.create(track=track, kind=kind, at=world.now)


def test_songs_that_come_together_are_told_in_one_call_by_their_folders(
    world: World, mpd: FakeMpd, player: Player
) -> None:
    for title in ("Morning", "Noon", "Evening"):
        came(world, title)
    again = tell_all(world.now)
    assert again == world.now + SETTLES and mpd.commands == [], "others may come with them"
    tell_all(world.later(seconds=3))
    assert mpd.commands == [
        'update "Maria Ruiz/First Light"',
        'update "Maria Ruiz/Second Light"',
        'update "Playlists"',
    ]
    tell_all(world.later(minutes=5))
    assert len(mpd.commands) == 3, "nothing is new"


def test_a_player_is_called_once_in_50_seconds(world: World, mpd: FakeMpd, player: Player) -> None:
    came(world, "Morning")
    tell_all(world.later(seconds=3))
    told = len(mpd.commands)
    came(world, "Noon")
    soon = world.later(seconds=3)
    assert tell_all(soon) == soon - timedelta(seconds=3) + EVERY
    assert len(mpd.commands) == told
    tell_all(world.later(minutes=1))
    assert len(mpd.commands) > told


def test_what_moved_makes_it_look_through_everything(world: World, mpd: FakeMpd, player: Player) -> None:
    came(world, "Morning", Event.Kind.MOVE)
    tell_all(world.later(seconds=3))
    assert mpd.commands == ["update"]


def test_who_refuses_or_is_away_is_told_again_and_the_answer_stands_in_words(
    world: World, mpd: FakeMpd, player: Player
) -> None:
    came(world, "Morning")
    mpd.refuses = "[4@0] {update} you don't have permission"
    tell_all(world.later(seconds=3))
    player.refresh_from_db()
    assert (player.ok, player.answer) == (False, "It refused the password.")
    mpd.refuses = ""
    Player.objects.filter(pk=player.pk).update(secret=seal("open sesame"))
    mpd.commands.clear()
    tell_all(world.later(minutes=2))
    player.refresh_from_db()
    assert player.ok and mpd.commands[0] == 'password "open sesame"'
    assert 'update "Maria Ruiz/First Light"' in mpd.commands


def test_nobody_is_called_where_none_is_set(world: World, mpd: FakeMpd, player: Player) -> None:
    Player.objects.update(enabled=False)
    came(world, "Morning")
    assert tell_all(world.later(minutes=2)) is None
    assert mpd.commands == []


def test_a_command_of_ones_own_gets_the_folders_and_none_of_the_secrets(
    world: World, tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_CLIENT_SECRET", "s3cret")
    script, said = tmp_path / "tell", tmp_path / "said"
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {said}; env >> {said}.env; exit $(cat {said}.exit 2>/dev/null)\n'
    )
    script.chmod(0o700)
    settings.PLAYER_COMMAND = str(script)
    tell_all(world.now)
    assert said.read_text().splitlines() == [str(world.root)], "a new one looks through everything"
    said.unlink()
    came(world, "Noon")
    tell_all(world.later(minutes=2))
    assert said.read_text().splitlines() == [
        f"{world.root}/{folder}" for folder in ("Maria Ruiz/First Light", "Playlists")
    ]
    assert "s3cret" not in Path(f"{said}.env").read_text()
    Path(f"{said}.exit").write_text("3")
    came(world, "Morning")
    tell_all(world.later(minutes=2))
    assert Player.objects.get().answer == "It ended with status 3."


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("mpd"), reason="mpd is not installed")
def test_a_real_mpd_lists_a_song_within_a_minute_of_its_coming(world: World, tmp_path: Path) -> None:
    with running_mpd(world.root, tmp_path / "mpd") as port:
        Player.objects.create(kind=Player.Kind.MPD, address=f"127.0.0.1:{port}")
        tell_all(world.now)
        _eventually(lambda: "updating_db" not in ask_mpd(port, "status"))
        world.later(minutes=2)
        track = world.make_track("Nocturne")
        world.put_file(
            track, Path(make_audio(tmp_path / "tone.mp3", 4)).read_bytes(), "Chopin/Nocturnes/02 Nocturne.mp3"
        )
        Event.objects.create(track=track, kind=Event.Kind.FINISH, at=world.now)
        tell_all(world.later(seconds=3))
        _eventually(lambda: "Chopin/Nocturnes/02 Nocturne.mp3" in ask_mpd(port, "listall"))


def _eventually(holds, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
