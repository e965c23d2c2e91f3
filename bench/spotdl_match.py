"""The same rows through spotDL's published matcher, for comparison; never a dependency of the project.

In a virtual environment of its own: ``pip install spotdl==4.6.0``, then
``THAT/bin/python bench/spotdl_match.py FILE.jsonl…``. Recorded candidates stand in for its searches, in its order: by
ISRC, then songs, then videos; a group's best is taken from 80 points on (`AudioProvider.search`). The last line is
the JSON object of `bench/match.py`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spotdl.types.result import Result  # type: ignore[import-not-found]
from spotdl.types.song import Song  # type: ignore[import-not-found]
from spotdl.utils.matching import order_results  # type: ignore[import-not-found]

from bench.match import OUTCOMES, candidate_of, outcome, rows_of
from downloads.matching.score import Scored

ENOUGH = 80.0


def main(files: list[str]) -> int:
    """Print what it takes where that is not right, and the sums as JSON."""
    total: Counter[str] = Counter()
    for row in rows_of([Path(name) for name in files]):
        taken = take(row)
        candidates = [candidate_of(one) for one in row["candidates"]]
        chosen = next((Scored(one, 0.0, (), False) for one in candidates if one.id == taken), None)
        result = outcome(row, candidates, chosen)
        total[result] += 1
        if result != "right" and chosen is not None:
            print(f"{result}  {row['spotify']['title']} → {chosen.candidate.id} {chosen.candidate.title}")
    print(json.dumps({name: total[name] for name in OUTCOMES}))
    return 0


def take(row: dict[str, Any]) -> str | None:
    """The id that spotDL's matcher takes, or None."""
    found = row["candidates"]
    by_isrc = [one for one in found if any(seen[1] == "isrc" for seen in one["seen"])]
    if len(by_isrc) == 1 and by_isrc[0]["kind"] == "ytm_song":
        return str(by_isrc[0]["id"])
    songs, videos = ([one for one in found if one["kind"] == kind] for kind in ("ytm_song", "ytm_video"))
    for group in (by_isrc, songs, videos):
        points = order_results([_result(one, group is by_isrc) for one in group], _song(row["spotify"]))
        best = max(points.items(), key=lambda pair: pair[1], default=(None, 0.0))
        if best[0] is not None and best[1] >= ENOUGH:
            return str(best[0].result_id)
    return None


def _song(track: dict[str, Any]) -> Any:
    known = {
        "name": track["title"],
        "artists": track["artists"],
        "artist": track["artists"][0],
        "album_name": track["album"],
        "album_artist": track["album_artists"][0],
        "duration": track["duration_ms"] / 1000,
        "song_id": track["id"],
        "explicit": bool(track["explicit"]),
        "isrc": track["isrc"],
    }
    return Song(**{**dict.fromkeys(Song.__dataclass_fields__), **known})


def _result(one: dict[str, Any], by_isrc: bool) -> Any:
    return Result(
        source="YouTubeMusic",
        url=f"https://music.youtube.com/watch?v={one['id']}",
        verified=one["kind"] == "ytm_song",
        name=one["title"],
        duration=one["duration_s"] or 0,
        author=next(iter(one["artists"]), ""),
        result_id=one["id"],
        artists=tuple(one["artists"]) or None,
        isrc_search=by_isrc,
        search_query="",
        album=one["album"],
        explicit=one.get("explicit"),
        views=one["views"],
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
