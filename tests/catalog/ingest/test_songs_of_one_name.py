"""Several songs of one name by one artist: one track each, whatever source comes first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.importers.reader import read_library_file
from catalog.ingest.replace import replace_catalog
from catalog.ingest.resolve import Resolution, ResolveBatch
from catalog.ingest.separate import separate
from catalog.ingest.songs import Song
from catalog.models import Alias, Collection, Track
from catalog.music.records import CollectionRecord, EntryRecord, TrackRecord
from catalog.tracks import transitions
from catalog.tracks.place import Place
from tests.shared import SHARED_CASES, needs_cases

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROOT = "/music"
NUMBERS = count(1)


def intro(number: int, **changes: object) -> TrackRecord:
    """The ``number``th song called Intro, as an account describes it."""
    record = TrackRecord(
        title="Intro",
        artists=("Nora Fields",),
        album=f"Album {number}",
        duration_ms=100_000 + 4_000 * number,
        isrc=f"ZZAB123{number:05}",
        spotify_id=f"{number:022}",
        album_spotify_id=f"{number:0>22}",
        track_number=1,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def privacy(record: TrackRecord) -> TrackRecord:
    """The same as a privacy export knows it: an id and an album, no length."""
    return TrackRecord(record.title, record.artists, record.album, spotify_id=record.spotify_id)


def listed(record: TrackRecord) -> TrackRecord:
    """The same as a list by hand has it: a length and an album, no id."""
    return TrackRecord(record.title, record.artists, record.album, duration_ms=record.duration_ms)


def bring(key: str, *records: TrackRecord) -> None:
    replace_catalog([CollectionRecord("file", key, key, [EntryRecord(track=record) for record in records])], NOW)


def give_file(track: Track) -> str:
    name = f"{next(NUMBERS)}.mp3"
    assert transitions.adopt(track.pk, Place.of(ROOT, name), 10, NOW)
    return name


def ids_by_file() -> dict[str, str | None]:
    return {track.file_name: track.spotify_id for track in Track.objects.downloaded()}


# --- The shown case ---------------------------------------------------------------------------------------


@needs_cases
@pytest.mark.parametrize("order", list(permutations(["YourLibrary.json", "liked.csv"])), ids="-".join)
def test_five_songs_of_two_names_are_five_tracks_after_each_file(order: tuple[str, ...]) -> None:
    for name in order:
        for file in read_library_file(str(Path(SHARED_CASES) / "songs-of-one-name" / name)):
            replace_catalog(file.collections, NOW)
        assert Track.objects.wanted().count() == 5
    assert sorted(Track.objects.values_list("duration_ms", flat=True)) == [100_000, 140_000, 180_000, 220_000, 260_000]
    assert len({track.isrc for track in Track.objects.all()}) == 5
    for collection in Collection.objects.all():
        assert collection.entries.values("track").distinct().count() == 5


# --- Kinds ------------------------------------------------------------------------------------------------


def test_movements_under_one_title_are_told_apart_by_their_numbers() -> None:
    same = {"album": "Suite", "album_spotify_id": "S" * 22, "duration_ms": 90_000, "isrc": ""}
    movements = [intro(number, track_number=number, **same) for number in range(1, 7)]
    bring("list", *movements)
    assert Track.objects.count() == 6


def test_the_acoustic_album_s_twin_of_nearly_the_same_length_is_another_song() -> None:
    twin = intro(2, album="Album 1 (Acoustic)", duration_ms=105_000, isrc="GBXYZ2600001")
    bring("list", intro(1), twin)
    assert Track.objects.count() == 2


def test_albums_alone_tell_songs_without_ids_and_lengths_apart() -> None:
    old_export = [TrackRecord("Intro", ("Nora Fields",), f"Album {number}") for number in (1, 2, 3)]
    bring("export", *old_export)
    assert Track.objects.count() == 3
    bring("liked", intro(1), intro(2), intro(3))
    assert Track.objects.count() == 3


def test_a_length_parts_a_list_s_song_from_the_id_that_it_was_taken_for() -> None:
    bring("export", privacy(intro(1)))
    bring("list", TrackRecord("Intro", ("Nora Fields",), duration_ms=200_000))
    assert Track.objects.count() == 1
    bring("liked", intro(1))
    assert sorted(Track.objects.wanted().values_list("duration_ms", flat=True)) == [104_000, 200_000]
    assert Track.objects.get(duration_ms=200_000).entries.get().collection.key == "list"


def test_rows_merged_by_an_older_release_part_when_their_lengths_come() -> None:
    bring("export", privacy(intro(1)))
    row = Track.objects.get()
    Alias.objects.create(key=f"spotify:{intro(2).spotify_id}", track=row)
    bring("liked", intro(1), intro(2))
    assert sorted(Track.objects.values_list("spotify_id", flat=True)) == [intro(1).spotify_id, intro(2).spotify_id]


def test_ids_joined_by_an_older_release_stay_one_where_nothing_speaks_against_it() -> None:
    again = intro(1, spotify_id="B" * 22, album="Best of", album_spotify_id="C" * 22)
    bring("liked", intro(1), again)
    Alias.objects.update(album=None, isrc="", duration_ms=None, track_number=None)  # as they were written before
    bring("more", again, intro(1))
    assert Track.objects.count() == 1


def test_files_go_with_the_songs_whose_length_they_were_fetched_for() -> None:
    """Two ids on one album, lengths from a list: which is which only the account says, and it is the other way."""
    one = {"album": "Album", "isrc": ""}
    first, second = intro(1, **one), intro(2, **one)
    bring("list", listed(first), listed(second))
    bring("export", privacy(replace(second, spotify_id=first.spotify_id)), privacy(replace(first, spotify_id="B" * 22)))
    assert Track.objects.count() == 2
    files = {give_file(track): track.duration_ms for track in Track.objects.all()}
    numbers = {"album_spotify_id": "A" * 22}
    bring(
        "liked",
        replace(second, spotify_id=first.spotify_id, track_number=7, **numbers),
        replace(first, spotify_id="B" * 22, track_number=8, **numbers),
    )
    assert {track.file_name: track.duration_ms for track in Track.objects.downloaded()} == files
    assert ids_by_file()[next(name for name, length in files.items() if length == 104_000)] == "B" * 22


# --- A person -------------------------------------------------------------------------------------------


def test_a_person_s_word_parts_two_names_for_good() -> None:
    again = intro(1, spotify_id="B" * 22, album="Best of", album_spotify_id="C" * 22)
    bring("liked", intro(1), again)
    track = Track.objects.get()
    name = give_file(track)
    assert separate(Alias.objects.get(key=f"spotify:{'B' * 22}").pk, NOW) is not None
    assert ids_by_file() == {name: intro(1).spotify_id}
    assert Track.objects.get(spotify_id="B" * 22).wanted
    bring("liked", again, intro(1))
    bring("more", intro(1, duration_ms=104_500), again)
    assert Track.objects.count() == 2


def test_a_name_that_is_alone_on_its_track_is_not_parted() -> None:
    bring("liked", intro(1))
    assert separate(Alias.objects.get().pk, NOW) is None
    assert separate(0, NOW) is None
    assert Track.objects.count() == 1


# --- Any order -------------------------------------------------------------------------------------------


def tracks_expected(names: set[tuple[str, int]]) -> int:
    """How many songs are told apart by (source, song) pairs; three songs share each album.

    Ids are songs of their own; a list's song is one of them where the account has its length, else it may be each id of
    its album whose length is not known.
    """
    accounts = {song for source, song in names if source == "liked"}
    ids = accounts | {song for source, song in names if source == "export"}
    open_ids = Counter(song // 3 for song in ids - accounts)
    open_lists = Counter(song // 3 for source, song in names if source == "list" and song not in accounts)
    return len(ids) + sum(max(0, count - open_ids[album]) for album, count in open_lists.items())


SOURCES = {"export": privacy, "liked": lambda record: record, "list": listed}


def check_any_order(brought: dict[str, list[int]], order: tuple[str, ...]) -> None:
    """The number of tracks is right after each source, each song is fetched once, and no file is lost."""
    Track.objects.all().delete()
    Collection.objects.all().delete()
    names: set[tuple[str, int]] = set()
    fetched = 0
    for source in order:
        songs = [
            intro(n, album=f"Album {n // 3}", album_spotify_id=f"{n // 3:022}", track_number=n + 1)
            for n in brought[source]
        ]
        bring(source, *map(SOURCES[source], songs))
        names |= {(source, number) for number in brought[source]}
        assert Track.objects.wanted().count() == tracks_expected(names)
        for track in Track.objects.wanted().missing():
            give_file(track)
            fetched += 1
        assert Track.objects.count() == fetched
    for track in Track.objects.exclude(duration_ms=None):
        lengths = set(track.aliases.exclude(duration_ms=None).values_list("duration_ms", flat=True))
        assert lengths == {track.duration_ms}


some_songs = st.lists(st.integers(0, 8), unique=True, max_size=6)


@given(
    brought=st.fixed_dictionaries(dict.fromkeys(SOURCES, some_songs)),
    order=st.permutations(list(SOURCES)).map(tuple),
)
@example(  # a row that was left by its name and kept its file took entries over, and stayed unwanted
    brought={"export": [0, 1, 4], "liked": [0, 1, 2, 3], "list": [3, 4]}, order=("export", "list", "liked")
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_number_of_tracks_does_not_depend_on_the_order_of_the_sources(
    brought: dict[str, list[int]], order: tuple[str, ...]
) -> None:
    check_any_order(brought, order)


@pytest.mark.long
@pytest.mark.parametrize("order", list(permutations(SOURCES)), ids="-".join)
def test_two_hundred_songs_of_one_name_in_any_order(order: tuple[str, ...]) -> None:
    everything = {"export": range(0, 200, 2), "liked": range(200), "list": range(50, 200, 3)}
    check_any_order({source: list(numbers) for source, numbers in everything.items()}, order)


def test_a_song_that_was_emptied_follows_its_names_through_another_that_was_emptied_too() -> None:
    """Its names went to a row that was made in the same batch and emptied before it was saved."""
    replace_catalog([CollectionRecord("file", "f", "f", [EntryRecord(intro(1)), EntryRecord(intro(2))])], NOW)
    first, last = (Song(row, list(row.aliases.all())) for row in Track.objects.order_by("pk"))
    first.names = []
    batch = ResolveBatch([], NOW, Resolution())
    between = Song(Track())
    batch.emptied = [(first, between), (between, last)]
    assert batch._fold_emptied() == 1
    assert Track.objects.count() == 1
