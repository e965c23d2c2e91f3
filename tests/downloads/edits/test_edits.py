"""Every edit of the table in one library, then what `make run` does by itself: a pass, and workers that fetch.

docs/edits.md is the table; edits whose program is not installed are left out of the run, which says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.models import AdoptionMatch, Track
from downloads.jobs import backlog
from downloads.models import FormerFile
from downloads.worker import loop
from tests.downloads.archive_world import missing_track, serve
from tests.downloads.edits.edits import ASKED, EDITS, FETCHED, KNOWN, SECONDS, WRECK, Edit, Song, music, rows
from tests.world import World

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

TABLE = Path(__file__).parents[3] / "docs" / "edits.md"


def cases() -> Iterator[tuple[Edit, str]]:
    for edit in EDITS:
        if edit.is_here():
            yield from ((edit, kind) for kind in edit.kinds)


def fetched(world: World, archive, number: int, kind: str) -> Song:
    """A song of its own artist, fetched and tagged as the product does it."""
    isrc, title, artist = f"GBAYE{number:07}", f"Song about {WORDS[number]}", f"Ártist {WORDS[-1 - number]}"
    track = missing_track(world, title, artist=artist, number=1 + number % 12, isrc=isrc)
    Track.objects.filter(pk=track.pk).update(duration_ms=SECONDS * 1000)
    track.refresh_from_db()
    entry = serve(archive, track, kind, duration_ms=SECONDS * 1000)
    music(Path(archive.folder) / entry.file, number)
    outcome = loop.work_one(now=lambda: world.now)
    assert outcome and outcome.result == "downloaded", outcome
    track.refresh_from_db()
    outside = world.root.parent / "outside"
    outside.mkdir(exist_ok=True)
    return Song(Path(track.local_path), world.root, outside, title, artist, isrc, number)


WORDS = [f"{first}{second}" for first in "bdfgklmnprst" for second in (
    "adow", "eacon", "illow", "ounder", "undle", "aven", "entor", "igil", "olem", "umber", "yrne", "ackets", "ettle",
    "inter", "oral", "urgeon", "alon", "elta", "idget", "obin")]  # fmt: skip


def test_after_edits_nothing_that_is_on_the_disk_is_fetched_again(world: World, archive, capsys) -> None:
    songs = [(edit, kind, fetched(world, archive, number, kind)) for number, (edit, kind) in enumerate(cases())]
    away = [song for edit, _, song in songs if edit.away]
    for song in away:
        song.path.parents[1].rename(song.outside / song.artist)
    backlog.reconcile_and_wake(world.later(hours=1))
    for song in away:
        (song.outside / song.artist).rename(song.path.parents[1])
    for edit, kind, song in songs:
        try:
            edit.change(song)
        except Exception as error:
            raise AssertionError(f"{edit.name}, {kind}") from error
    backlog.reconcile_and_wake(world.later(hours=1))
    after_quick = {song.title: outcome(song) for *_, song in songs}
    again: set[str] = set()
    while result := loop.work_one(now=lambda: world.now):
        if result.result == "downloaded":
            again.add(result.title)
    backlog.reconcile_and_wake(world.later(hours=1), full=True)
    while result := loop.work_one(now=lambda: world.now):
        if result.result == "downloaded":
            again.add(result.title)
    problems = []
    for edit, kind, song in songs:
        seen = FETCHED if song.title in again else outcome(song)
        if seen == FETCHED and edit.then == WRECK and FormerFile.objects.filter(track__title=song.title).exists():
            seen = WRECK
        if seen != edit.then:
            problems.append(f"{edit.name}, {kind}: {seen}, not {edit.then} (first {after_quick[song.title]})")
        offered = AdoptionMatch.objects.filter(track__title=song.title, better=True, rejected=False).exists()
        if offered != edit.offered:
            problems.append(f"{edit.name}, {kind}: offered {offered}")
    left_out = sorted({edit.program for edit in EDITS if not edit.is_here()})
    with capsys.disabled():
        print(f"\n  {len(songs)} songs, {len({edit.name for edit, *_ in songs})} edits; left out: {left_out or 'none'}")
    assert problems == []


def test_the_table_is_that_of_the_docs() -> None:
    assert [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| ")][1:] == rows()


def outcome(song: Song) -> str:
    track = Track.objects.get(title=song.title)
    if track.status == "downloaded" and os.path.exists(track.local_path):
        return KNOWN
    if AdoptionMatch.objects.filter(track=track, rejected=False).exists():
        return ASKED
    return str(track.status)
