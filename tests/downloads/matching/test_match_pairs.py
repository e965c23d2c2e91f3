"""The bench of real pairs sorts them by rules of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import match_pairs


def row(title: str, artists: str = "Band", seconds: int = 200) -> match_pairs.Track:
    return match_pairs.track_of(title, tuple(artists.split(";")), "Boats", seconds * 1000)


@pytest.mark.parametrize(
    ("one", "other", "family"),
    [
        (row("Night Ferry"), row("night ferry", seconds=202), "equal"),
        (row("Night Ferry"), row("Night Ferry", seconds=206), "equal, 6 s apart"),
        (row("Night Ferry (feat. Bo)", "Band;Bo"), row("Night Ferry"), match_pairs.GUEST_MISSING),
        (row("Night Ferry"), row("Night Ferry", "Band;Bo"), match_pairs.GUEST_ADDED),
        (row("Night Ferry (with Ann)"), row("Night Ferry (feat. Bo)"), match_pairs.GUEST_OTHER),
        (row("Night Ferry", "Band;Ann Bo"), row("Night Ferry", "Band;AnnBo"), "equal"),
        (row("Night Ferry", "Band;Юрий"), row("Night Ferry", "Band;Yuri"), match_pairs.GUEST_SCRIPT),
        (row("Night Ferry"), row("Night Ferry - Live"), "live"),
        (row("Night Ferry"), row("Night Ferry - 2011 Remaster"), "remaster"),
        (row("Night Ferry"), row("Night Ferry Home"), "another title"),
        (row("Night Ferry"), row("Day Ferry"), ""),
        (row("Night Ferry"), row("Night Ferry", seconds=213), ""),
    ],
)
def test_a_pair_has_a_family(one: match_pairs.Track, other: match_pairs.Track, family: str) -> None:
    assert match_pairs.family_of(one, other) == family


def test_the_last_line_counts_what_is_taken_asked_and_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        "title,artists,album,duration_ms",
        "Ferry,Band,Boats,200000",
        "Ferry,Band,Best,201000",
        "Ferry (Live),Band,X,200000",
    ]
    file = tmp_path / "tracks.csv"
    file.write_text("\n".join(lines), encoding="utf-8")

    match_pairs.main([str(file), "--json"])

    assert json.loads(capsys.readouterr().out) == {"equal": {"taken": 2}, "live": {"refused": 4}}
