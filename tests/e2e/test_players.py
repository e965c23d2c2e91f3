"""The end of the chain: a song that is fetched stands in real players within a minute."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from demo.archive import Song
from tests.e2e.installation import SONGS, HeldArchive, Installation, eventually
from tests.real_players import (
    PASSWORD,
    USER,
    ask_mpd,
    install_supysonic,
    running_mpd,
    running_supysonic,
    supysonic_playlists,
)

WITHIN = 60.0  # seconds from a song's coming until both players show it
PLAYLIST = "export"  # named after the file that is imported
ARE_TOLD = """
from downloads.models import Player
from downloads.players.tell import _stamp
print(Player.objects.filter(ok=True, scanning=False, stamp=_stamp()).count())
"""
PAUSE = "from catalog.models import Service; Service.objects.pause_by_person('audio')"
AGE_THE_LAST_CALL = """
from datetime import timedelta
from django.db.models import F
from downloads.models import Player
Player.objects.update(told_at=F("told_at") - timedelta(minutes=5))
"""


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("mpd"), reason="mpd is not installed")
def test_a_fetched_song_stands_in_mpd_and_in_supysonics_playlist_within_a_minute(
    tmp_path: Path, archive: HeldArchive
) -> None:
    programs = install_supysonic(tmp_path / "venv")
    music = tmp_path / "home" / "music"
    with (
        Installation(tmp_path / "home", archive) as installation,
        running_mpd(music, tmp_path / "mpd") as port,
        running_supysonic(programs, music, tmp_path / "supysonic") as address,
    ):
        installation.environment |= {
            "MPD_ADDRESS": f"127.0.0.1:{port}",
            "SUBSONIC_URL": address,
            "SUBSONIC_USER": USER,
            "SUBSONIC_PASSWORD": PASSWORD,
        }
        installation.start()

        def both_are_told() -> bool:
            return installation.command("shell", "-c", ARE_TOLD).stdout.split()[-1] == "2"

        eventually(both_are_told, "both were told when it started")
        installation.import_songs(*SONGS[:4])
        after_a_call = seconds_until_shown(installation, port, address, SONGS[:4])
        installation.command("shell", "-c", PAUSE)
        installation.import_songs(*SONGS)
        eventually(both_are_told, "both were told of the longer list")
        installation.command("shell", "-c", AGE_THE_LAST_CALL)  # instead of waiting a minute
        installation.command("resume")
        alone = seconds_until_shown(installation, port, address, SONGS[4:])
    print(f"right after a call: MPD {after_a_call[0]:.1f} s, supysonic {after_a_call[1]:.1f} s")
    print(f"with no call before: MPD {alone[0]:.1f} s, supysonic {alone[1]:.1f} s")
    assert max(after_a_call) < WITHIN
    assert max(alone) < WITHIN / 2


def seconds_until_shown(
    installation: Installation, port: int, address: str, songs: Sequence[Song]
) -> tuple[float, float]:
    """The longest time from the coming of one of them until MPD lists it, and until the playlist has it."""
    came: dict[str, float] = {}
    listed: dict[str, float] = {}
    pushed: dict[str, float] = {}
    titles = {song.title for song in songs}

    def all_shown() -> bool:
        files = " ".join(path.name for path in installation.files())
        shows = (supysonic_playlists(address) or {}).get(PLAYLIST, [])
        for seen, places in ((came, files), (listed, ask_mpd(port, "listall")), (pushed, shows)):
            for title in titles:
                if title in places:
                    seen.setdefault(title, time.monotonic())
        return listed.keys() == pushed.keys() == titles

    eventually(all_shown, "all songs in both players")
    return max(listed[title] - came[title] for title in came), max(pushed[title] - came[title] for title in came)
