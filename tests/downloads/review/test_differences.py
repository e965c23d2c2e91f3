"""What differs is marked in the words themselves: what is new in a recording's texts, and what it leaves out."""

from __future__ import annotations

import pytest

from downloads.matching.features import SearchResult, TrackQuery
from downloads.review.differences import Differences, differences

WISH = TrackQuery("Ständchen", ("Franz Schubert",), "Lieder", 248_000)


def told(query: TrackQuery = WISH, **columns: object) -> Differences:
    fields = {"id": "x", "title": "Ständchen", "artists": ("Franz Schubert",), "album": "Lieder"}
    return differences(query, SearchResult(**(fields | columns)))


def marks(parts: tuple) -> list[str]:
    return [part.text for part in parts if part.differs]


def test_what_agrees_is_not_marked() -> None:
    said = told()
    assert marks(said.title) == marks(said.artists) == marks(said.album) == [] and said.missing == ""


@pytest.mark.parametrize(
    ("title", "marked"),
    [
        ("Standchen", []),
        ("STÄNDCHEN (Official Video)", []),
        ("Franz Schubert - Ständchen", []),
        ("Ständchen (Live, 1998)", ["(Live, 1998)"]),
        ("Ständchen Karaoke Instrumental", ["Karaoke Instrumental"]),
        ("セレナーデ", ["セレナーデ"]),
    ],
)
def test_words_that_the_wish_does_not_have_are_marked_together(title: str, marked: list[str]) -> None:
    assert marks(told(title=title).title) == marked


def test_an_artist_whom_the_wish_does_not_name_is_marked_whole() -> None:
    said = told(artists=("A tribute choir", "Franz Schubert"))
    assert marks(said.artists) == ["A tribute choir"]


def test_an_album_is_marked_only_where_it_names_another_version() -> None:
    assert marks(told(album="Schwanengesang").album) == []
    assert marks(told(album="Live at the Hall").album) == ["Live at the Hall"]


def test_the_words_of_the_wish_that_the_recording_leaves_out_are_told() -> None:
    wish = TrackQuery("Evening (Ann Remix)", ("Bo",))
    assert told(wish, title="Evening", artists=("Bo",), album="").missing == "(Ann Remix)"
    assert told(wish, title="Evening - Ann Remix", artists=("Bo",), album="").missing == ""


def test_two_songs_of_an_album_that_differ_in_the_same_words_are_of_one_kind() -> None:
    one = told(title="Ständchen (Live, 1998)")
    other = told(TrackQuery("Aufenthalt", ("Franz Schubert",)), title="Aufenthalt (Live, 1998)")
    assert one.kind == other.kind != told().kind


@pytest.mark.parametrize("text", ["", " ", "\0", "()", "👩‍👩‍👧", "a" * 500, "\u202e(‏"])
def test_no_text_is_too_odd(text: str) -> None:
    said = differences(TrackQuery(text, (text,)), SearchResult(id="x", title=text, artists=(text,), album=text))
    assert marks(said.title) == []
