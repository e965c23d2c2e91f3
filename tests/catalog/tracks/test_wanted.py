"""The marks behind two of the counters: an artist or album is wanted exactly while a wanted track has it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from catalog.ingest.merge import merge
from catalog.ingest.replace import replace_catalog
from catalog.models import Album, Artist, Collection, Track
from catalog.music.records import CollectionRecord, EntryRecord, TrackRecord
from catalog.reports.listings import albums, artists
from catalog.tracks import transitions, wanted
from catalog.tracks.wanted import refresh_wanted_flags
from tests.world import World, hour_later


def listed() -> tuple[set[str], set[str]]:
    """What the pages list as artists and albums; the counters must say the same."""
    counts = Track.objects.counts()
    shown = {artist.name for artist in artists()}, {album.title for album in albums()}
    assert (counts["artists"], counts["albums"]) == (artists().count(), albums().count())
    return shown


def sync(*songs: TrackRecord) -> None:
    replace_catalog([CollectionRecord("playlist", "one", "One", [EntryRecord(song) for song in songs])], hour_later())


def song(artist: str = "Ólöf", album: str = "Hafið", number: int = 1) -> TrackRecord:
    return TrackRecord(f"Song {number}", (artist,), album, duration_ms=200_000, spotify_id=f"{number:022d}")


@pytest.mark.django_db
def test_what_a_sync_brings_is_listed_and_what_it_takes_is_not() -> None:
    sync(song("Ólöf", "Hafið", 1), song("Maria", "Light", 2))
    assert listed() == ({"Ólöf", "Maria"}, {"Hafið", "Light"})
    sync(song("Ólöf", "Hafið", 1))
    assert listed() == ({"Ólöf"}, {"Hafið"})


@pytest.mark.django_db
def test_a_song_that_changes_its_artist_and_album_takes_its_mark_along() -> None:
    sync(song("Olof", "Hafid"))
    sync(song("Ólöf", "Hafið"))
    assert listed() == ({"Ólöf"}, {"Hafið"})
    assert Artist.objects.count() == Album.objects.count() == 2  # the others are still there, unmarked


@pytest.mark.django_db
def test_an_ignored_song_leaves_the_lists_and_comes_back_to_them() -> None:
    sync(song())
    wanted.ignore(Track.objects.all(), hour_later())
    assert listed() == (set(), set())
    wanted.want_again(Track.objects.all(), hour_later())
    assert listed() == ({"Ólöf"}, {"Hafið"})


@pytest.mark.django_db
def test_a_row_that_is_merged_away_takes_its_marks_along(world: World) -> None:
    keep, drop = world.make_track("Song", "Duo", "Pair"), world.make_track("Song", "Duett", "Paar")
    assert merge(keep, drop)
    assert {"Duo"} == {"Duo", "Duett"} & listed()[0]
    assert {"Pair"} == {"Pair", "Paar"} & listed()[1]


@pytest.mark.django_db
def test_switching_a_collection_off_and_on_goes_through_all_tracks_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transitions, "BATCH", 2)
    sync(*(song(f"Artist {number}", f"Album {number}", number) for number in range(5)))
    Collection.objects.update(enabled=False)
    assert wanted.set_wanted() == 5
    assert listed() == (set(), set())
    Collection.objects.update(enabled=True)
    assert wanted.set_wanted() == 5
    assert len(listed()[0]) == len(listed()[1]) == 5


@pytest.mark.django_db(transaction=True)
def test_two_writers_who_empty_one_album_together_leave_no_mark(world: World) -> None:
    """Each takes one of its two songs; neither sees the other's change before it is committed."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    first, second = (world.make_track(f"Song {number}", "Duo", "Pair") for number in (1, 2))
    both = threading.Barrier(2)

    def take(track: Track) -> None:
        try:
            with transaction.atomic():
                Track.objects.filter(pk=track.pk).update(wanted=False)
                both.wait(10)
                refresh_wanted_flags(Track.objects.filter(pk=track.pk))
        finally:
            connection.close()

    threads: list[Any] = [threading.Thread(target=take, args=[track]) for track in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not Album.objects.get(title="Pair").wanted
    assert not Artist.objects.get(name="Duo").wanted


@pytest.mark.django_db
@pytest.mark.parametrize("few", [1, 3, 5, 100])
@pytest.mark.parametrize("missing", [0, 2, 8])
def test_the_counters_are_right_whichever_set_is_taken_for_small(
    world: World, monkeypatch: pytest.MonkeyPatch, few: int, missing: int
) -> None:
    """Six are on disk; one is not wanted, one is being fetched. ``few`` decides what is counted, what is left over."""
    monkeypatch.setattr("catalog.models.tracks.FEW", few)
    world.make_track("Not mine", wanted=False)
    transitions.claim_one(world.make_track("Busy").pk, world.now)
    for number in range(missing):
        world.make_track(f"Missing {number}", number=number)
    counts = Track.objects.counts()
    assert (counts["missing"], counts["downloading"], counts["downloaded"]) == (missing, 1, 6)
    assert counts["songs"] == missing + 7
