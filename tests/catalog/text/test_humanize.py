"""Times, numbers and sizes as a person says them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from catalog.text import humanize

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (119, "1 min"),
        (120, "2 min"),
        (90 * 60, "90 min"),
        (2 * 3600, "2 h"),
        (47 * 3600, "47 h"),
        (48 * 3600, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
    ],
)
def test_a_span_is_said_in_one_unit(seconds: int, said: str) -> None:
    assert humanize.span(timedelta(seconds=seconds)) == said


def test_before_and_after_now() -> None:
    assert humanize.ago(None, NOW) == "never"
    assert humanize.ago(NOW, NOW) == "just now"
    assert humanize.ago(NOW - timedelta(minutes=5), NOW) == "5 min ago"
    assert humanize.ahead(NOW, NOW) == humanize.ahead(None, NOW) == "now"
    assert humanize.ahead(NOW + timedelta(days=7), NOW) == "in 7 days"


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    assert humanize.ago(NOW + timedelta(hours=1), NOW) == "just now"


def test_numbers_with_their_nouns() -> None:
    assert humanize.count(1, "song") == "1 song"
    assert humanize.count(0, "song") == "0 songs"
    assert humanize.count(1_204, "entry", "entries") == "1,204 entries"
    assert humanize.count(humanize.AtLeast(9_999), "song") == "9,999+ songs"


@pytest.mark.parametrize(
    ("milliseconds", "said"), [(None, ""), (4_000, "0:04"), (187_400, "3:07"), (59_999, "1:00"), (3_729_000, "1:02:09")]
)
def test_lengths_as_players_show_them(milliseconds: int | None, said: str) -> None:
    assert humanize.length(milliseconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (4_200_000, "4.2 MB"), (123_000_000, "123 MB"), (2 * 10**12, "2.0 TB")],
)
def test_sizes_in_powers_of_ten(count: int | None, said: str) -> None:
    assert humanize.size(count) == said
