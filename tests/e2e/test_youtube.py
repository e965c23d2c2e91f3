"""`manage.py run` with the audio source "youtube": real search, yt-dlp and deno against stand-ins of the hosts.

The program comes to them by its own settings, a proxy and a certificate file.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.e2e.installation import Installation, eventually
from tests.fakes.youtube.recordings import Recording
from tests.fakes.youtube.site import MEDIA, MUSIC, WWW, Site

WORDS = ["One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"]
COLUMNS = ("Track URI", "Track Name", "Artist Name(s)", "Album Name", "Track Duration (ms)", "ISRC")
FETCHED = """
import json
from catalog.models import Track
rows = Track.objects.values_list("spotify_id", "status", "last_error", "audio_file__candidate__source_id")
print(json.dumps(list(rows)))
"""
Wanted = tuple[str, str, tuple[str, ...], str, int, str]


def made(site_folder: Path) -> tuple[Site, list[Wanted], dict[str, set[str]]]:
    """Twelve songs of 8 to 19 seconds, each with recordings beside it that are not meant."""
    wishes: list[Wanted] = []
    recordings: list[Recording] = []
    for number, word in enumerate(WORDS):
        title, artists, seconds = f"Song {word}", ("Test Choir",), 8.0 + number
        sounds = {"seconds": seconds, "tone": 300 + 50 * number}
        recordings += [
            Recording(f"live{number:07}", f"{title} (Live)", artists, "Live", **sounds),
            Recording(f"karaoke{number:04}", f"{title} (Karaoke Version)", ("Sing Along",), "Karaoke", **sounds),
            Recording(f"right{number:06}", title, artists, "First", **sounds),
            Recording(f"video{number:06}", f"{title} 10 hours", ("somebody",), seconds=36_000.0, kind="video"),
        ]
        wishes.append((f"made{number:018}", title, artists, "First", round(seconds * 1000), ""))
    right = {wish[0]: {f"right{number:06}"} for number, wish in enumerate(wishes)}
    return Site(site_folder, recordings), wishes, right


@pytest.mark.long
def test_twelve_songs_arrive_the_right_ones_and_nothing_outside_is_asked(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    site, wishes, right = made(tmp_path / "site")
    export = tmp_path / "export.csv"
    with export.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerows([f"spotify:track:{key}", title, ";".join(names), *rest] for key, title, names, *rest in wishes)
    with site.serve(), Installation(tmp_path / "home", **site.settings()) as installation:
        installation.command("import_library", str(export))
        installation.start()
        try:
            eventually(lambda: installation.counts() == (0, 0, 12), "all twelve songs on disk")
        finally:
            fetched = json.loads(installation.command("shell", "-c", FETCHED).stdout.splitlines()[-1])
            print(fetched, [asked.place for asked in site.asked])
        assert len(installation.files()) == 12
        assert {path.suffix for path in installation.files()} == {".m4a"}
    assert [row for row in fetched if row[3] not in right[row[0]]] == []
    assert site.proxy.outside == []
    assert set(site.proxy.connected) == {MUSIC, WWW, MEDIA}
    assert site.asked_for("media") == 12
