"""What `make torture` plays: each meeting once, however it is shared out."""

from __future__ import annotations

from tests.crash.run import parts, played


def test_the_processes_of_all_shares_play_every_pair_once() -> None:
    pairs = list(range(1156))
    for of in (1, 3, 4):
        for processes in (1, 2, 5):
            shares = [part for number in range(1, of + 1) for part in parts(f"{number}/{of}", processes)]
            assert sorted(pair for share in shares for pair in played(pairs, share)) == pairs
