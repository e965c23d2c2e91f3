"""Two workers pass their deadlines on one track: the late one changes nothing that the other has decided."""

from __future__ import annotations

import pytest

from tests.crash.pairs import Pair, play
from tests.crash.workspace import Workspace

pytestmark = pytest.mark.long

# One of each kind of meeting; `make torture` plays all of them.
MEETINGS = [
    Pair("adopting", "fetched"),
    Pair("adopting", "adopted", second_goes_first=True),
    Pair("adopted", "recovering"),
    Pair("staged", "cleaned"),
    Pair("staged", "verified"),
    Pair("fetched", "claimed"),
    Pair("verified", "fenced"),
    Pair("tagged", "reserved", second_goes_first=True),
    Pair("reserved", "fenced"),
    Pair("reserved", "linked", second_goes_first=True),
    Pair("reserved", "recovering"),
    Pair("reserved", "tagged", third=True),
    Pair("placeholder", "fenced"),
    Pair("placeholder", "placeholder", second_goes_first=True),
    Pair("linked", "recovering", second_goes_first=True),
    Pair("linked", "recovered"),
    Pair("folder_synced", "fenced", third=True),
    Pair("recovering", "recovering", second_goes_first=True),
    Pair("fenced", "linked", second_goes_first=True),
]


@pytest.mark.parametrize("pair", MEETINGS, ids=str)
def test_two_late_workers_leave_one_track_one_file(workspace: Workspace, pair: Pair):
    broken, met = play(workspace, pair)
    assert broken == []
    assert met, "the second worker never came to its point: this meeting proves nothing"
