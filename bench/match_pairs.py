"""Score real tracks against each other: `python bench/match_pairs.py TRACKS.csv.gz [--json] [--show FAMILY]`.

Each row (title, artists joined by ";;", album, duration_ms) is a track, and a release that a search may answer. Pairs
are ordered, by one first artist, at most 12 s apart: *equal* (title and all artists, at most 2 s) are one recording as
a rule; *related* (one title begins as the other) are put into families by the words that only one of them has. These
rules are this file's own: nothing of the matcher sorts its own examination. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from downloads.matching.features import SearchResult, TrackQuery
from downloads.matching.score import THRESHOLD, Scored, score

SAME_MS, RELATED_MS = 2_000, 12_000
GUEST_MISSING, GUEST_ADDED, GUEST_OTHER = "guest of the track only", "guest of the release only", "another guest"
GUEST_SCRIPT = "guest in two scripts"
SPELLING = "spelling"
# Family -> what its words look like. The first that stands on one side only names the pair.
FAMILIES = {
    "part": r"\b(pt|part|vol|volume|chapter|act|no|op|movement)s?\b\.? ?([0-9]+|[ivx]+\b|one|two|three)",
    "karaoke": r"karaoke|sing.?along",
    "instrumental": r"instrumental|off vocal",
    "a cappella": r"a ?cap+ella",
    "sped up or slowed": r"sped|speed up|slowed|nightcore|reverb",
    "live": r"\blive\b|unplugged|en vivo|ao vivo|in concert|session",
    "acoustic": r"acoustic|ac[uú]stic|stripped|piano version",
    "demo": r"\bdemo\b",
    "re-recorded": r"re-?record|new version|'s version|\b(19|20)\d\d (version|mix)",
    "remix": r"remix|rmx|\bdub\b|bootleg|rework|\bvip\b|club mix",
    "extended": r"extended|\b12\W|long version|full length",
    "language": r"\b(english|spanish|espa[nñ]ol|french|italian|german|deutsch|japanese|korean|portugu)",
    "commentary": r"commentary|interlude|skit|intro\b|outro\b|reprise",
    "clean": r"\b(clean|explicit|censored)\b",
    "another mix or take": r"\b(mix|take|alternate|version|edit|cut)\b",
    "remaster": r"remaster",
    "mono or stereo": r"\b(mono|stereo)\b",
    "radio edit": r"\bradio\b",
    "single or album version": r"\b(single|album|original|lp)\b ?(version|mix|edit)",
    "from": r"\bfrom\b|soundtrack|theme",
    "bonus": r"bonus|deluxe|edition",
}
# Kinds of the same recording come before "another mix or take", which holds whatever else is called a version.
ORDER = [name for name in FAMILIES if name != "another mix or take"] + ["another mix or take"]
_GUESTS = re.compile(r"(?:[(\[](?:with|w/)|\s-\swith|[(\[\s](?:feat\.?|ft\.?|featuring))\s+([^)\]]+)", re.IGNORECASE)
_NAMES = re.compile(r",|&|\band\b| x |\b(?:feat|ft|featuring|with)\b\.?| - .*", re.IGNORECASE)
_BASE = re.compile(r"\s+[-–—]\s+|\s*[(\[]|\s+feat\.?\s")


@dataclass(frozen=True, slots=True)
class Track:
    """A row of the file. ``base`` is the title before brackets and dashes, ``people`` artists and guests, folded."""

    title: str
    artists: tuple[str, ...]
    album: str
    duration_ms: int
    base: str
    people: frozenset[str]

    @property
    def query(self) -> TrackQuery:
        return TrackQuery(self.title, self.artists, self.album, self.duration_ms)

    @property
    def release(self) -> SearchResult:
        return SearchResult("", self.title, self.artists, self.album, self.duration_ms)


def fold(text: str) -> str:
    """Letters and digits in lower case, words with single spaces; accents are left out."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", "".join(ch for ch in plain if not unicodedata.combining(ch))))


def read(path: Path) -> Iterator[Track]:
    """The rows that have an artist and a length."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            artists = tuple(filter(None, row["artists"].split(";;")))
            if artists and row["duration_ms"]:
                yield track_of(row["title"], artists, row["album"], int(row["duration_ms"]))


def track_of(title: str, artists: tuple[str, ...], album: str, duration_ms: int) -> Track:
    """A row with what is worked out from it."""
    named = [name for match in _GUESTS.finditer(title) for name in _NAMES.split(match[1])]
    base = fold(_BASE.split(title, maxsplit=1)[0]) or fold(title) or title
    return Track(title, artists, album, duration_ms, base, frozenset(filter(None, map(fold, (*artists, *named)))))


def pairs(tracks: Iterator[Track]) -> Iterator[tuple[Track, Track, str]]:
    """Ordered pairs (track, release) and their family; "equal" for what is one recording."""
    by_artist: dict[str, list[Track]] = defaultdict(list)
    for track in tracks:
        by_artist[track.artists[0].casefold()].append(track)
    for rows in by_artist.values():
        for one, other in permutations(rows, 2):
            family = family_of(one, other)
            if family:
                yield one, other, family


def family_of(track: Track, release: Track) -> str:
    """The pair's family, or "" where the two have nothing to do with each other."""
    apart = abs(track.duration_ms - release.duration_ms)
    same_title = track.title.casefold() == release.title.casefold()
    if apart > RELATED_MS or not (same_title or _is_related(track.base, release.base)):
        return ""
    missing, added = _unnamed(track, release), _unnamed(release, track)
    if missing and added and {name.isascii() for name in missing}.isdisjoint(name.isascii() for name in added):
        return GUEST_SCRIPT
    if missing or added:
        return GUEST_OTHER if missing and added else GUEST_MISSING if missing else GUEST_ADDED
    if same_title:
        return "equal" if apart <= SAME_MS else f"equal, {apart // 1000} s apart"
    if track.base != release.base:
        return "another title"
    return next((name for name in ORDER if _on_one_side(FAMILIES[name], track.title, release.title)), SPELLING)


def _is_related(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other} ") or other.startswith(f"{one} ")


def _unnamed(one: Track, other: Track) -> set[str]:
    """The people of ``one`` whom ``other`` names nowhere, with or without spaces in the name."""
    text = f" {fold(' '.join((other.title, *other.artists)))} "
    joined = {name.replace(" ", "") for name in other.people}
    return {name for name in one.people if f" {name} " not in text and name.replace(" ", "") not in joined}


def _on_one_side(pattern: str, one: str, other: str) -> bool:
    first, second = ({match[0] for match in re.finditer(pattern, title.casefold())} for title in (one, other))
    return first != second


def outcome(scored: Scored) -> str:
    """What the program would do with this release if it were the only one."""
    if scored.vetoed:
        return "refused"
    return "taken" if scored.score >= THRESHOLD else "asked"


def main(arguments: list[str] | None = None) -> int:
    """Print a line per family, and the counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="TRACKS.csv.gz")
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--show", metavar="FAMILY", default="", help="also the pairs of this family, as FAMILY:OUTCOME")
    options = parser.parse_args(arguments)
    wanted, _, only = options.show.partition(":")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for track, release, family in pairs(read(options.file)):
        scored = score(track.query, release.release)
        counts[family][outcome(scored)] += 1
        if family == wanted and only in ("", outcome(scored)):
            _print_pair(track, release, scored)
    if not options.json:
        _print_table(counts)
    print(json.dumps(counts))
    return 0


def _print_pair(track: Track, release: Track, scored: Scored) -> None:
    off = (release.duration_ms - track.duration_ms) // 1000
    for one in (track, release):
        print(f"  {'; '.join(one.artists)} – {one.title} [{one.album}]")
    print(f"    {off:+d} s, {scored.score} {outcome(scored)}: {'; '.join(scored.reasons)}")


def _print_table(counts: dict[str, Counter[str]]) -> None:
    print("| family | pairs | taken | asked | refused |\n|---|---|---|---|---|")
    for family, row in sorted(counts.items(), key=lambda item: -item[1].total()):
        print(f"| {family} | {row.total()} | {row['taken']} | {row['asked']} | {row['refused']} |")


if __name__ == "__main__":
    raise SystemExit(main())
