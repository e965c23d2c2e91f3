"""Run the matcher over recorded rows: `python bench/match.py FILE.jsonl… [--json] [-v]`.

A row is ``{"case", "spotify": {…}, "candidates": […], "accepted", "metadata_identical", "judged"}``. Right is what
stands in ``accepted``, ``metadata_identical`` or ``judged.accepted``. The last line is one JSON object with the
integers ``right``, ``wrong``, ``refused`` (a right one was there) and ``refused_rightly``.

With ``--youtube-music RECORDED.jsonl.gz`` the candidates are not taken from the rows: the program's own search asks a
YouTube Music on loopback that replays the recorded answers, and only rows with recordings are run.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.youtube_music import Replay
from downloads.matching.features import SearchResult, TrackQuery
from downloads.matching.score import Scored, choose, rank

Found = tuple[dict[str, Any], list[SearchResult]]
OUTCOMES = ("right", "wrong", "refused", "refused_rightly")
_KINDS = {"ytm_song": "song", "ytm_video": "video"}


def rows_of(paths: list[Path]) -> Iterator[dict[str, Any]]:
    """The rows of all files. Raises SystemExit with a sentence where a file or a line cannot be read."""
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SystemExit(f"{path} cannot be read: {error}.") from None
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _row(path, number, line)


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        row["spotify"]["title"], row["candidates"]
    except (ValueError, KeyError, TypeError):
        raise SystemExit(f"{path}, line {number}: not a row with “spotify” and “candidates”.") from None
    return dict(row)


def wish_of(row: dict[str, Any]) -> TrackQuery:
    """The row's track as the matcher sees it."""
    track = row["spotify"]
    return TrackQuery(
        title=track["title"],
        artists=tuple(track.get("artists") or ()),
        album=track.get("album") or "",
        duration_ms=track.get("duration_ms"),
        isrc=track.get("isrc") or "",
        explicit=track.get("explicit"),
    )


def candidate_of(one: dict[str, Any]) -> SearchResult:
    """One recorded search result; lengths come in whole seconds."""
    seconds = one.get("duration_s")
    return SearchResult(
        id=one["id"],
        title=one.get("title") or "",
        artists=tuple(one.get("artists") or ()),
        album=one.get("album") or "",
        duration_ms=None if seconds is None else int(seconds * 1000),
        kind=_KINDS.get(one.get("kind", ""), "song"),
        explicit=one.get("explicit"),
        views=one.get("views"),
    )


def right_ids(row: dict[str, Any]) -> set[str]:
    """The ids that count as right.

    Where a hand's list is known to be incomplete and none of it was found, the answer to the search for the track's
    ISRC counts too, if it equals the track in title and artists and is at most a second off.
    """
    judged = (row.get("judged") or {}).get("accepted") or []
    listed = {*(row.get("accepted") or []), *(row.get("metadata_identical") or []), *judged}
    is_incomplete = row.get("accepted_complete") is False and not listed & {one["id"] for one in row["candidates"]}
    return listed | {one["id"] for one in row["candidates"] if is_incomplete and _equals_by_isrc(row["spotify"], one)}


def _equals_by_isrc(track: dict[str, Any], one: dict[str, Any]) -> bool:
    """Whether a recorded result was found by the track's ISRC and equals it."""
    by_isrc = any("isrc" in seen for seen in one.get("seen") or [])
    same_names = one.get("title") == track["title"] and one.get("artists") == track.get("artists")
    off = abs((one.get("duration_s") or 0) * 1000 - (track.get("duration_ms") or 0))
    return by_isrc and same_names and off <= 1000


def outcome(row: dict[str, Any], candidates: list[SearchResult], chosen: Scored | None) -> str:
    """One of ``OUTCOMES``. In a row marked ``either`` refusing is as good as taking the right one."""
    right = right_ids(row)
    if chosen is not None:
        return "right" if chosen.candidate.id in right else "wrong"
    if row.get("either"):
        return "right"
    return "refused" if right & {one.id for one in candidates} else "refused_rightly"


def labelled(row: dict[str, Any]) -> bool:
    """Whether anything is known about the row: unlabelled ones are shown, and count nowhere."""
    return bool(right_ids(row)) or bool(row.get("expect_none")) or bool(row.get("either"))


def as_recorded(paths: list[Path]) -> Iterator[Found]:
    """The rows with the candidates that stand in them."""
    for row in rows_of(paths):
        yield row, [candidate_of(one) for one in row["candidates"]]


def as_searched(paths: list[Path], recordings: Path) -> Iterator[Found]:
    """The rows with the candidates that the program's own search finds in the replayed answers."""
    source_class = _youtube_source()
    with Replay(recordings) as replay:
        for row in rows_of(paths):
            replay.track = row["spotify"].get("id") or ""
            if replay.track in replay.tracks:
                source = source_class(session=replay.session(), fallback=lambda query: [])
                yield row, source.search(wish_of(row))


def _youtube_source() -> Any:
    """The program's own search. It reads settings: those of a program that nobody has set up, in its own folder."""
    folder = tempfile.mkdtemp(prefix="bench-match-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update({"DJANGO_SETTINGS_MODULE": "config.settings", "ENV_FILE": os.devnull, "DATA_DIR": folder})
    import django

    django.setup()
    from downloads.search.youtube import YouTubeSource

    return YouTubeSource


def main(arguments: list[str] | None = None) -> int:
    """Print a line per row and per artist, and the sums as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("-v", "--verbose", action="store_true", help="the best candidates of every row, with reasons")
    parser.add_argument("--youtube-music", type=Path, metavar="RECORDED.jsonl.gz", help="search these answers instead")
    options = parser.parse_args(arguments)
    music = options.youtube_music
    found = as_searched(options.files, music) if music else as_recorded(options.files)
    total: Counter[str] = Counter()
    artists: dict[str, Counter[str]] = defaultdict(Counter)
    started, compared = time.perf_counter(), 0
    for row, candidates in found:
        wish = wish_of(row)
        compared += len(candidates)
        chosen = choose(wish, candidates)
        result = outcome(row, candidates, chosen) if labelled(row) else "unlabelled"
        total[result] += 1
        artists[wish.artists[0] if wish.artists else "?"][result] += 1
        if not options.json:
            _print_row(row, wish, chosen, result)
            if options.verbose:
                _print_best(row, wish, candidates)
    seconds = time.perf_counter() - started
    if not options.json:
        _print_artists(artists)
        print(f"{sum(total.values())} rows, {compared} candidates, {seconds:.2f} s")
    print(json.dumps({name: total[name] for name in OUTCOMES}))
    return 0


def _print_row(row: dict[str, Any], wish: TrackQuery, chosen: Scored | None, result: str) -> None:
    taken = "no guess"
    if chosen is not None:
        one = chosen.candidate
        name = f"{', '.join(one.artists)} – {one.title}"
        taken = f"{one.id} {chosen.score:.0f} {one.kind}: {name} ({'; '.join(chosen.reasons)})"
    print(f"{result:16}{row.get('case', '')}  {', '.join(wish.artists)} – {wish.title}\n{'':16}→ {taken}")


def _print_best(row: dict[str, Any], wish: TrackQuery, candidates: list[SearchResult]) -> None:
    right = right_ids(row)
    for place, one in enumerate(rank(wish, candidates)):
        if place < 4 or one.candidate.id in right:
            mark = "*" if one.candidate.id in right else " "
            text = f"{', '.join(one.candidate.artists)} – {one.candidate.title}"
            print(f"{'':18}{mark}{one.score:6.1f}{' veto' if one.vetoed else ''} {text} ({'; '.join(one.reasons)})")


def _print_artists(artists: dict[str, Counter[str]]) -> None:
    print("\nper artist")
    for name, counts in sorted(artists.items()):
        print(f"  {name}: " + ", ".join(f"{key} {value}" for key, value in sorted(counts.items())))


if __name__ == "__main__":
    raise SystemExit(main())
