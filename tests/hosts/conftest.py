from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tracks", type=int, default=300, help="how many tracks the four hosts fetch (5000: the large run)"
    )
