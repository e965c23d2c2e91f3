"""Recorded real answers and files that tests read in place; absent on most machines."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

needs_shared = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"recorded answers are not here ({SHARED_DATA} is absent)"
)

SHARED_CASES = SHARED_DATA.parent / "cases"

needs_cases = pytest.mark.skipif(
    not SHARED_CASES.is_dir(), reason=f"files of other programs are not here ({SHARED_CASES} is absent)"
)
