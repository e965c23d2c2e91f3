"""Files of other programs as people have them, each read as what it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from catalog.importers.parsed_file import ReadFile
from catalog.importers.reader import read_library_file
from catalog.music.records import TrackRecord
from tests.catalog.importers.entries import tracks_of
from tests.shared import SHARED_CASES, needs_cases

pytestmark = needs_cases


def read(*path: str) -> ReadFile:
    (file,) = read_library_file(str(Path(SHARED_CASES).joinpath(*path)))
    return file


def told(file: ReadFile) -> list[tuple[str, str, str]]:
    """(artists, title, album) of each track."""
    return [(" + ".join(track.artists), track.title, track.album) for track in tracks_of(file)]


def lengths(file: ReadFile) -> list[float | None]:
    return [
        track.duration_ms and timedelta(milliseconds=track.duration_ms).total_seconds() for track in tracks_of(file)
    ]


def lists(file: ReadFile) -> dict[str, int]:
    return {collection.name: len(collection.entries) for collection in file.collections}


def test_blanks_before_quotation_marks_belong_to_no_name() -> None:
    assert told(read("csv-blank-before-quotes", "deezer-style.csv")) == [
        ("Stella North, Marble Choir", "Evening Rain", "Harbour Lights"),
        ("Marble Choir", "Slow, Slower", "Quiet, Loud"),
        ("Pink Harbour", "Plain Song", "One"),
    ]


def test_a_title_line_above_the_column_names_is_looked_past() -> None:
    file = read("csv-title-line", "shazamlibrary.csv")
    assert [track[:2] for track in told(file)] == [
        ("Ace of Base", "The Sign"),
        ("Ricchi & Poveri", "Sarà Perché Ti Amo"),
        ("Lipps, Inc.", "Funkytown"),
        ("Alexandra Stan", "Mr. Saxobeat (Radio Edit)"),
    ]
    assert not any(track.release_date for track in tracks_of(file))


def test_quotation_marks_that_were_not_doubled_stay_in_their_names() -> None:
    long = 'Negro Y Azul: The Ballad of Heisenberg (From "Breaking Bad" TV Series)'
    assert told(read("csv-undoubled-quotes", "old_export.csv")) == [
        ("Los Cuates de Sinaloa", long, long),
        ("Fela Kuti", 'No Buredi "No Bread"', "J.J.D. / Unnecessary Begging"),
        ("Marble Choir", "Night Ferry", "Ferries"),
    ]


def test_a_column_of_ids_is_no_name() -> None:
    file = read("youtube-music-client", "Chill.csv")
    assert lists(file) == {"Chill": 2}
    assert {album for *_, album in told(file)} == {"Californication (Deluxe Version)"}
    assert lengths(file) == [329, 255]


def test_rows_of_albums_and_artists_are_no_songs() -> None:
    file = read("tunemymusic-library", "My Spotify Library.csv")
    assert lists(file) == {"Favorite Songs": 2, "Road Trip": 2}
    assert {track.spotify_id for track in tracks_of(file)} == {f"1{'a' * 20}{number}" for number in (1, 2, 3)}
    assert "ZZAB12300002" in {track.isrc for track in tracks_of(file)}
    assert [(album.key, album.name) for album in file.albums] == [
        (f"2{'b' * 20}1", "Tides"),
        (f"2{'b' * 20}2", "Ferries"),
    ]
    assert [note.split(" (")[0] for note in file.notes] == ["not taken: artists, 2"]


def test_as_many_names_as_ids() -> None:
    assert [track.artists for track in tracks_of(read("joined-artists", "my_list.csv"))] == [
        ("Eminem", "Rihanna"),
        ("10,000 Maniacs",),
        ("Marble Choir", "Stella North", "Pink Harbour"),
    ]


@pytest.mark.parametrize("name", ["playlists.txt", "playlists_windows.txt"])
def test_spotify_backup_s_text_is_two_lists(name: str) -> None:
    file = read("spotify-backup-text", name)
    assert lists(file) == {"Liked Songs": 2, "Road Trip": 2} and not file.skipped
    assert TrackRecord(
        "Harbour Bells", ("Stella North", "Marble Choir"), "Tides", spotify_id=f"1{'a' * 20}1"
    ) in tracks_of(file)
    assert len({track.spotify_id for track in tracks_of(file)}) == 3


def test_apple_music_writes_the_title_first() -> None:
    file = read("apple-music-m3u", "Christmas.m3u8")
    assert [track[:2] for track in told(file)] == [
        ("Marie-Michèle Desrosiers", "Noël"),
        ("Stella North", "Harbour Bells"),
        ("Marble Choir", "Night Ferry"),
    ]
    assert lengths(file) == [257, 213, 187]


def test_a_disc_s_folder_is_no_album() -> None:
    file = read("m3u-cd-folders", "absolute.m3u")
    assert told(file) == [
        ("Primal Scream", "Some Velvet Morning", "Evil Heat"),
        ("The 2 Bears", "Be Strong (Blakkat Remix)", "Be Strong (Deluxe Edition)"),
        ("Deee-Lite", "What Is Love", "World Clique"),
    ]
    assert [track.disc_number for track in tracks_of(file)] == [None, 2, None]


def test_encoded_addresses_are_paths() -> None:
    assert told(read("m3u-percent", "lollypop.m3u")) == [
        ("Marble Choir", "Night Ferry", "Ferries"),
        ("Björk", "Big Time Sensuality", "Debut"),
    ]


def test_itunes_plain_text_knows_lengths_and_numbers() -> None:
    file = read("itunes-plain-text", "Road Trip.txt")
    assert [track[:2] for track in told(file)] == [("Stella North", "Harbour Bells"), ("Marble Choir", "Fjärran ljus")]
    assert lengths(file) == [213, 187]
    assert [(track.disc_number, track.track_number) for track in tracks_of(file)] == [(1, 3), (1, 4)]


@pytest.mark.parametrize(
    ("name", "collection", "songs", "length"),
    [
        ("Library.xml", "Road Trip", [("Stella North", "Harbour Bells", "Tides")], 213),
        ("list.xspf", "Road Trip", [("Stella North", "Harbour Bells", "Tides")], 213),
        ("Streaming_History_Audio_2021-2022_0.json", "Most played", [("Stella North", "Harbour Bells", "Tides")], None),
        (
            "road-trip.spotdl",
            "Road Trip",
            [("Stella North + Marble Choir", "Harbour Bells", "Tides"), ("Marble Choir", "Night Ferry", "Ferries")],
            213.4,
        ),
    ],
)
def test_other_programs_files_are_read(
    name: str, collection: str, songs: list[tuple[str, str, str]], length: float | None
) -> None:
    file = read("formats-not-read", name)
    assert lists(file) == {collection: len(songs)}
    assert told(file) == songs
    assert lengths(file)[0] == length
