"""Evidence that two descriptions are of one recording."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.music.same_recording import Description, Relation, fit, may_be_joined, relation

ONE = Description(
    spotify_id="1" * 22, isrc="ZZAB12300001", duration_ms=100_000, album="Tides", album_id="a", track_number=3
)
OTHER = replace(ONE, spotify_id="2" * 22, isrc="")
BARE = Description(duration_ms=None, album="Tides")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (replace(ONE, duration_ms=None, isrc="", album="Else"), Relation.SAME),  # one id
        (replace(ONE, spotify_id="2" * 22), Relation.SAME),  # one ISRC
        (replace(ONE, spotify_id="2" * 22, duration_ms=104_000), Relation.CONFLICT),
        (replace(OTHER, album_id="b", duration_ms=102_900), Relation.SAME),
        (replace(OTHER, album_id="b", track_number=4), Relation.SAME),  # another release counts otherwise
        (replace(OTHER, track_number=4), Relation.CONFLICT),
        (replace(OTHER, disc_number=2), Relation.CONFLICT),
        (replace(OTHER, track_number=None), Relation.CONFLICT),  # two ids of one album
        (replace(OTHER, album_id="b", isrc="ZZAB12300002"), Relation.CONFLICT),  # one registrant, one year
        (replace(OTHER, album_id="b", isrc="ZZAB12400002"), Relation.SAME),
        (replace(OTHER, album_id="b", album="Tides (Acoustic)"), Relation.CONFLICT),
        (replace(OTHER, album_id="b", album="Alive"), Relation.SAME),
        (replace(OTHER, album_id="b", album="Tides: Live at the Lantern Hall"), Relation.CONFLICT),
        (replace(OTHER, album_id="b", duration_ms=None), Relation.NO_EVIDENCE),
        (BARE, Relation.LIKELY),
        (replace(BARE, album="Tides (Deluxe Edition)"), Relation.LIKELY),
        (replace(BARE, album="Other"), Relation.NO_EVIDENCE),
        (replace(BARE, album=""), Relation.POSSIBLE),
        (replace(BARE, duration_ms=101_000, album="Other"), Relation.SAME),
        (replace(BARE, apart=True), Relation.CONFLICT),
    ],
)
def test_relations_follow_the_evidence(other: Description, expected: Relation) -> None:
    assert relation(ONE, other) == relation(other, ONE) == expected


def test_the_clean_version_is_another_recording_unless_its_isrc_says_otherwise() -> None:
    clean, explicit = replace(OTHER, album_id="b", explicit=False), replace(ONE, explicit=True)
    assert relation(clean, explicit) == Relation.CONFLICT
    assert relation(replace(clean, isrc=ONE.isrc), explicit) == Relation.SAME


def test_two_ids_are_not_joined_by_a_name_that_is_like_both() -> None:
    between = Description(duration_ms=100_000)
    first, second = replace(ONE, duration_ms=None, isrc=""), replace(OTHER, album_id="b")
    assert fit(second, [between]) == Relation.SAME
    assert fit(second, [between, first]) == Relation.NO_EVIDENCE


def test_one_conflict_keeps_two_recordings_apart() -> None:
    assert may_be_joined([ONE], [replace(OTHER, album_id="b")])
    assert not may_be_joined([ONE, BARE], [replace(OTHER, album_id="b"), replace(BARE, duration_ms=120_000)])
    assert not may_be_joined([ONE], [BARE])  # not by what is only likely
