"""The table of guards fits the code: each guard is where the table says, once."""

from __future__ import annotations

import pytest

from tests.mutation.mutant_table import MUTANTS, Mutant
from tests.mutation.mutants import PROJECT, without


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_guard_of_the_table_stands_in_the_code(mutant: Mutant):
    source = (PROJECT / mutant.file).read_text()
    assert without(mutant, source) != source


def test_a_guard_that_is_gone_from_the_code_is_noticed():
    with pytest.raises(ValueError, match="stands 0 times"):
        without(MUTANTS[0], "")
