"""Real playlists as they changed over two years, replayed as syncs over HTTP."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import pytest

from catalog.models import Alias, Collection, Entry
from catalog.spotify.sync import sync
from tests.fakes.spotify import Playlist, SpotifyStandIn, User
from tests.fakes.spotify_objects import artist, playlist_entry, track
from tests.fakes.spotify_use import NOW, connect
from tests.shared import SHARED_DATA, needs_shared

SCALE = SHARED_DATA / "scale"


def histories() -> list[list[list[str]]]:
    """The snapshots of each playlist, oldest first, as lists of track ids."""
    found: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    with gzip.open(SCALE / "playlist_histories.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            found[row["playlist_id"]].append((row["date"], row["tracks"]))
    return [[tracks for _, tracks in sorted(history)] for history in found.values()]


def songs(ids: set[str]) -> dict[str, Any]:
    """Track objects of these ids, as far as they are known."""
    made = {}
    with gzip.open(SCALE / "mackorone_tracks.csv.gz", "rt") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            if row["spotify_id"] in ids:
                known = track(number, row["title"], external_ids={}, artists=[artist(row["artists"])])
                key = row["spotify_id"]
                made[key] = known | {"id": key, "uri": f"spotify:track:{key}", "duration_ms": int(row["duration_ms"])}
    return made


def tracks_of(ids: list[str]) -> list[int]:
    alias = dict(Alias.objects.filter(key__startswith="spotify:").values_list("key", "track_id"))
    return [alias[f"spotify:{key}"] for key in ids]


def members(playlist: Playlist) -> list[int]:
    found = Entry.objects.filter(collection__key=playlist.key).order_by("position")
    return [track_id for track_id in found.values_list("track_id", flat=True) if track_id]


@needs_shared
@pytest.mark.long
@pytest.mark.django_db
def test_each_step_of_each_history_gives_the_members_of_its_snapshot(spotify: SpotifyStandIn, anna: User):
    replayed = histories()
    objects = songs({key for history in replayed for snapshot in history for key in snapshot})
    replayed = [[[key for key in snapshot if key in objects] for snapshot in history] for history in replayed]
    anna.playlists = [Playlist(number, f"Playlist {number}") for number in range(len(replayed))]
    connect(spotify)
    for step in range(max(map(len, replayed))):
        before = {playlist.key: Counter(members(playlist)) for playlist in anna.playlists}
        changed = [(p, h[step]) for p, h in zip(anna.playlists, replayed, strict=True) if step < len(h)]
        for playlist, ids in changed:
            playlist.change([playlist_entry(objects[key]) for key in ids])
        report = sync(NOW + timedelta(days=step))
        assert report.complete, report.sentence()
        added = gone = 0
        for playlist, ids in changed:
            expected = tracks_of(ids)
            assert members(playlist) == expected
            added += (Counter(expected) - before[playlist.key]).total()
            gone += (before[playlist.key] - Counter(expected)).total()
        assert (report.added, report.gone) == (added, gone)
    assert Collection.objects.filter(kind="playlist").count() == len(replayed)
