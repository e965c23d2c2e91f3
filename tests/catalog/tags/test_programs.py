"""docs/tag_programs.md is what real programs show of our tags, as far as they are installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalog.tags.program_table import KINDS, rows_of, tagged_files
from tests.catalog.tags.programs import PROGRAMS, Files

TABLE = Path(__file__).parents[3] / "docs" / "tag_programs.md"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    yield tagged_files(tmp_path_factory.mktemp("tagged"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_table_is_what_the_program_shows(name: str, files: Files) -> None:
    if not PROGRAMS[name].is_here():
        pytest.skip(f"{name} is not installed ({PROGRAMS[name].needs})")
    assert rows_of(name, files) == [line for line in table_rows() if line.startswith(f"| {name} |")]


def test_each_exception_has_its_reason() -> None:
    reasons = {line.removeprefix("- ").partition(":")[0] for line in TABLE.read_text("utf-8").splitlines()}
    used = set()
    for line in table_rows():
        program, field, *cells = (part.strip() for part in line.strip("|").split("|"))
        for kind, cell in zip(KINDS, cells, strict=True):
            if cell not in {"ok", "·"}:
                said = reasons & {f"{program}, {field}", f"{program}, {kind[1:]}"}
                assert said, f"{program} shows {field} of {kind} as {cell}: docs/tag_programs.md does not say why"
                used |= said
    assert {reason for reason in reasons if ", " in reason and reason.split(", ")[0] in PROGRAMS} == used


def table_rows() -> list[str]:
    names = {f"| {name} |" for name in PROGRAMS}
    return [line for line in TABLE.read_text("utf-8").splitlines() if any(map(line.startswith, names))]
