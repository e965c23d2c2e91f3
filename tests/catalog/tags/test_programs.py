"""docs/tag_programs.md is what real programs show of our tags, as far as they are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.catalog.tags.program_table import PROGRAMS, is_here, rows_of

TABLE = Path(__file__).parents[3] / "docs" / "tag_programs.md"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_table_is_what_the_program_shows(name: str, tmp_path: Path) -> None:
    if not is_here(name):
        pytest.skip(f"{PROGRAMS[name][0]} is not installed")
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith(f"| {name} |")]
    assert rows_of(name, tmp_path) == lines


def test_each_exception_has_its_reason() -> None:
    text = TABLE.read_text("utf-8")
    for line in text.splitlines():
        if line.startswith("| ") and ("| – |" in line or "| other |" in line):
            program, field = (part.strip() for part in line.split("|")[1:3])
            assert f"- {program}, {field}" in text or f"- {program}, wav:" in text, line
