"""Names stand where people look for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.text.sort_key import LONGEST, sort_key


@pytest.mark.parametrize(
    "in_order",
    [
        ["Artist 1", "Artist 2", "Artist 10", "Artist 100"],
        ["ABBA", "abc", "The Beatles", "Björk", "blur"],
        ["Helix", "“Heroes”", "…Hits"],
        ["Zappa", "Ян", "山田"],
    ],
)
def test_names_are_in_the_order_of_a_person(in_order: list[str]) -> None:
    assert sorted(in_order, key=sort_key) == in_order


@pytest.mark.parametrize(("one", "other"), [("й", "и"), ("が", "か"), ("Ólöf", "Olof")])
def test_accents_go_from_latin_letters_and_scripts_keep_theirs(one: str, other: str) -> None:
    assert (sort_key(one) == sort_key(other)) == (one in ("Ólöf", "й"))


@pytest.mark.parametrize("name", ["!!!", "The", "the ", "÷", "", "   "])
def test_a_name_of_marks_or_an_article_alone_keeps_what_it_has(name: str) -> None:
    assert sort_key(name) == " ".join(name.casefold().split())


@given(st.text())
def test_any_text_has_a_key_that_fits_its_column(name: str) -> None:
    assert len(sort_key(name)) <= LONGEST
