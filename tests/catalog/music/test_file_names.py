"""What a file's name and folders say of a song."""

from __future__ import annotations

import pytest

from catalog.music.file_names import PathNames, names_of_path, order_of, split_names


@pytest.mark.parametrize(
    ("path", "artist", "album", "title"),
    [
        ("Falla - Nana.mp3", "Falla", "", "Nana"),
        ("07 Falla - Nana.mp3", "Falla", "", "Nana"),
        ("/home/x/Music/Falla/Songs/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Songs/07. Nana - Live.flac", "Falla", "Songs", "Nana - Live"),
        ("Falla/Songs/Nana.flac", "Falla", "Songs", "Nana"),
        ("../Falla/Songs/./1-07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Songs/Disc 1/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Songs/CD02/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Disco Songs/07 Nana.flac", "Falla", "Disco Songs", "Nana"),
        ("Falla/Disco A Go-Go/07 Nana.flac", "Falla", "Disco A Go-Go", "Nana"),
        ("Falla/LP1/07 Nana.flac", "Falla", "LP1", "Nana"),
        ("Falla/Songs/Side A/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Songs/[Disc II]/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Songs/Bonus Disc/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Songs/Songs (CD 2)/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Songs (Disc 2)/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/2001 - Songs [FLAC 24-96]/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Songs (2001) (320 kbps)/07 Nana.flac", "Falla", "Songs", "Nana"),
        ("Falla/Songs (Deluxe Edition)/07 Nana.flac", "Falla", "Songs (Deluxe Edition)", "Nana"),
        ("Falla/1999/07 Nana.flac", "Falla", "1999", "Nana"),
        ("Falla - Songs - 07 - Nana.mp3", "Falla", "Songs", "Nana"),
        ("Falla/Songs/Falla - Songs - 07 - Nana.mp3", "Falla", "Songs", "Nana"),
        ("Falla/Songs/Falla-Nana.mp3", "Falla", "Songs", "Nana"),
        ("Various Artists/Hits/07 Falla - Nana.mp3", "Falla", "", "Nana"),
        ("C:\\Music\\Falla\\Songs\\07 Nana.mp3", "Falla", "Songs", "Nana"),
        ("file:///home/x/Falla/Songs/07%20Nana%20%231.mp3", "Falla", "Songs", "Nana #1"),
        ("file://localhost/x/Falla/Songs/07%20Nana.mp3", "Falla", "Songs", "Nana"),
        ("Falla/Songs/07%20Nan%E1.mp3", "Falla", "Songs", "Naná"),
        ("Falla/Songs/07 100% Nana.mp3", "Falla", "Songs", "100% Nana"),
        ("Music/Downloads/Nana.mp3", "", "", "Nana"),
        ("Nana.mp3", "", "", "Nana"),
        ("1979.mp3", "", "", "1979"),
        ("", "", "", ""),
    ],
)
def test_a_path_names_artist_album_and_title(path: str, artist: str, album: str, title: str) -> None:
    names = names_of_path(path)
    assert (names.artist, names.album, names.title) == (artist, album, title)


@pytest.mark.parametrize(
    ("path", "disc", "number"),
    [
        ("F/S/1-07 Nana.mp3", 1, 7),
        ("F/S/CD 2 More/07 Nana.mp3", 2, 7),
        ("F/S/Side B/07 Nana.mp3", 2, 7),
        ("F/S/Disc Two/07 Nana.mp3", 2, 7),
        ("F/S (CD2)/07 Nana.mp3", 2, 7),
        ("F/S/S, Disc 2/07 Nana.mp3", 2, 7),
        ("Falla - Songs - 12 - Nana.mp3", None, 12),
        ("F/S/Nana.mp3", None, None),
    ],
)
def test_numbers_are_the_track_s_and_the_disc_s(path: str, disc: int | None, number: int | None) -> None:
    names = names_of_path(path)
    assert (names.disc_number, names.track_number) == (disc, number)


def test_the_path_says_which_of_the_two_is_the_artist() -> None:
    names = names_of_path("Falla/Songs/07 Nana.mp3")
    assert order_of("Nana - Falla", names) == -1 and order_of("Falla - Nana", names) == 1
    assert order_of("Nana - Falla", PathNames()) == 0
    assert split_names("Nana - Live - Falla", names=names) == ("Falla", "Nana - Live")
    assert split_names("A - B - C") == ("A", "B - C")
    assert split_names("A - B - C", title_first=True) == ("C", "A - B")
    assert split_names("A-ha") == ("", "")
