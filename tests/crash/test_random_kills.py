"""Random kills, as many as a test suite has time for. `make torture` does a thousand on each database."""

from __future__ import annotations

import random

import pytest

from tests.crash.random_kills import torture
from tests.crash.run import HOSTS
from tests.crash.workspace import Workspace

pytestmark = pytest.mark.long

KILLS = 30


@pytest.mark.parametrize("hosts", [{}, HOSTS], ids=["one host", "three hosts"])
def test_random_kills_lose_nothing_and_leave_nothing_stuck(workspace: Workspace, hosts: dict[str, str]):
    workspace.on_hosts(hosts)
    figures = torture(workspace, KILLS, random.Random(3))
    assert figures.broken == []
    assert figures.kills >= KILLS
    assert figures.recovered > KILLS / 4  # many kills hit a worker that held a track
