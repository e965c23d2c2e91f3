"""A guest who leads a song does not tear an album, and nobody is made an album's artist on a guess."""

from __future__ import annotations

import pytest

from catalog.importers.import_files import import_files
from catalog.importers.reader import read_library_file
from catalog.models import Album
from catalog.music.album_artists import with_album_artists
from catalog.music.records import EntryRecord, TrackRecord
from tests.fakes.spotify_use import NOW
from tests.shared import SHARED_CASES, needs_cases


def told(*billings: str, date: str = "2019-03-01", **said: object) -> list[tuple[str, ...]]:
    """The album artists of songs of one album by these artists, a semicolon between them."""
    songs = [
        TrackRecord("Song", tuple(names.split(";")), "Lamp Stories", release_date=date, **said) for names in billings
    ]  # type: ignore[arg-type]
    return [
        entry.track.album_artists for entry in with_album_artists([EntryRecord(song) for song in songs]) if entry.track
    ]


def test_the_artist_whom_all_songs_name_is_the_album_s() -> None:
    assert told("Stella", "Stella;Choir", "Pink;Stella") == [("Stella",)] * 3


@pytest.mark.parametrize(
    "billings", [("Stella", "Pink"), ("Stella;Pink", "Pink;Stella"), ("Choir;Stella", "Pink;Stella")]
)
def test_nobody_is_guessed(billings: tuple[str, ...]) -> None:
    assert told(*billings) == [()] * 2


def test_another_day_or_an_album_that_names_its_artists_is_left_alone() -> None:
    assert told("Stella", "Pink;Stella", date="") == [()] * 2
    assert told("Stella", "Pink;Stella", album_artists=("Choir",)) == [("Choir",)] * 2


@needs_cases
@pytest.mark.django_db
def test_an_album_with_a_song_that_a_guest_leads_is_one() -> None:
    import_files(read_library_file(str(SHARED_CASES / "album-torn-by-guests" / "guests.csv")), NOW)
    assert [(album.title, album.artist) for album in Album.objects.all()] == [("Lamp Stories", "Stella North")]
