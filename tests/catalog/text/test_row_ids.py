"""Ids of rows out of query strings and forms."""

import pytest

from catalog.text.row_ids import id_from, ids_from


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "１", "²", "0", str(1 << 63), "9" * 40, " 1"])
def test_what_is_no_row_id_is_zero(text: str) -> None:
    assert id_from(text) == 0


def test_ids_keep_their_order_and_lose_what_is_none() -> None:
    assert ids_from(["7", "x", "3", str((1 << 63) - 1)]) == [7, 3, (1 << 63) - 1]
