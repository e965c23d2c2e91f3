"""What is judged and the matcher's version go together: failed songs are matched again only where it was raised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import product

from downloads.matching.features import SearchResult, TrackQuery
from downloads.matching.score import VERSION, score

# Version -> digest of the scores below. Never change a line: raise the version and add one.
DIGESTS = {1: "84d785774f72cebb", 2: "5bb8b0bb728ee449", 3: "a55d128250d922db", 4: "a55d128250d922db"}

TITLES = ["Night Ferry", "Night Ferry (feat. Bo)", "Suite No. 5: II. Allegro", "(I Will Not) Sleep", "夜の船", "Паром"]
TITLES += [
    "Night Ferry - Ann Remix",
    "Night Ferry - Live at the Hall",
    "Night Ferry - 2011 Remaster",
    "Bells / Whistles",
]
CHANGES = ["", " (Live)", " - Radio Edit", " (feat. Bo)", " (with Cy & Bo)", " [Official Video]", " (Part 2)", " 2010"]
CHANGES += [
    " (Ann Remix)",
    " (Bo Remix)",
    " (Demo)",
    " (Acoustic Version)",
    " (English Version)",
    " (Sped Up)",
    " - Mono",
]
ARTISTS = [("Band",), ("Band", "Bo"), ("Bo",), ("Band - Topic",), ("バンド",), ("Band & Bo",), ()]
ALBUMS = ["", "Boats", "Boats (Deluxe)", "Live at the Hall", "Karaoke Hits", "The Demo Tapes"]
LENGTHS = [200_000, 201_000, 203_500, 206_000, 214_000, None]
KINDS = ["song", "video", "file"]


def pairs() -> Iterator[tuple[TrackQuery, SearchResult]]:
    """Queries and results in which every list turns at a pace of its own: 2,100 pairs."""
    for number, (title, change, artists) in enumerate(product(TITLES, CHANGES, ARTISTS)):
        album, length = ALBUMS[number % 6], LENGTHS[number // 2 % 6]
        query = TrackQuery(
            title, ARTISTS[number % 2], ALBUMS[number // 3 % 3], 200_000, explicit=(None, True)[number % 2]
        )
        yield query, SearchResult("c", title + change, artists, album, length, kind=KINDS[number % 3])
        other = TITLES[number % len(TITLES)]
        yield query, SearchResult("c", other + change, artists, album, length, kind=KINDS[number // 3 % 3])


def test_the_judgement_changes_only_with_the_version() -> None:
    digest = hashlib.sha256()
    for query, result in pairs():
        scored = score(query, result)
        digest.update(f"{scored.score:.2f} {scored.vetoed}\n".encode())

    assert digest.hexdigest()[:16] == DIGESTS[VERSION], "raise downloads.matching.score.VERSION, and add its digest"
