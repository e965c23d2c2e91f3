from datetime import UTC, datetime, timedelta

import pytest

from downloads.failures.backoff import cooldown, next_try, service_pause

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "rest"),
    [
        (1, timedelta(minutes=5)),
        (2, timedelta(minutes=30)),
        (3, timedelta(hours=2)),
        (4, timedelta(hours=12)),
        (5, timedelta(days=1)),
        (6, timedelta(days=7)),
        (7, timedelta(days=7)),
        (100_000, timedelta(days=7)),
        (0, timedelta(minutes=5)),
    ],
)
def test_the_table_is_read_aloud(attempts: int, rest: timedelta) -> None:
    assert cooldown(attempts, 0.5) == rest


def test_the_dice_move_it_by_a_tenth_and_no_more() -> None:
    assert cooldown(1, 0.0) == timedelta(minutes=4, seconds=30)
    assert cooldown(1, 0.999999) < timedelta(minutes=5, seconds=30)


def test_the_next_try_lies_ahead_by_the_cooldown() -> None:
    assert next_try(NOW, 4, 0.5) == NOW + timedelta(hours=12)


@pytest.mark.parametrize(("strikes", "hours"), [(0, 1), (1, 1), (2, 6), (3, 24), (4, 48), (50, 48)])
def test_a_service_rests_longer_each_time(strikes: int, hours: int) -> None:
    assert service_pause(strikes) == timedelta(hours=hours)


def test_a_servers_own_time_counts_where_it_is_longer() -> None:
    assert service_pause(1, 60) == timedelta(hours=1)
    assert service_pause(1, 7200) == timedelta(hours=2)
    assert service_pause(1, float("nan")) == timedelta(hours=1)


def test_no_server_can_send_us_away_for_more_than_a_week() -> None:
    assert service_pause(4, 10.0**9) == timedelta(days=7)
