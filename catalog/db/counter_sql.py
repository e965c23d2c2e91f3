"""The six counters as one statement, of about the same cost at a thousand and at a million tracks.

SQLite counts a whole table by its pages and a set row by row (a million: 0.2 and 40 ms). So no large set is counted:
all that is wanted is the table less what is not; of the two states that nearly every track is in, the smaller one is
counted, and the other is what is left. Only where both are large (a library half fetched) one is counted row by row.
"""

from __future__ import annotations

FEW = 50_000  # rows that are counted to find out whether a set is small: 3 ms


def _state(status: str) -> str:
    """The wanted tracks of a state: the words of the indexes `track_missing` and `track_downloaded`."""
    return f"FROM catalog_track WHERE status = '{status}' AND wanted"


def _wanted(table: str) -> str:
    return f"(SELECT COUNT(*) FROM catalog_{table}) - (SELECT COUNT(*) FROM catalog_{table} WHERE NOT wanted)"  # noqa: S608


def statement(few: int) -> str:
    """SELECT songs, artists, albums, downloading, missing. All from one moment; the same on both databases."""

    def at_most_few(status: str) -> str:
        return f"(SELECT COUNT(*) FROM (SELECT 1 {_state(status)} LIMIT {few}) AS counted)"  # noqa: S608

    return f"""
        WITH known (songs, artists, albums, downloading, missing) AS MATERIALIZED (
            SELECT {_wanted("track")}, {_wanted("artist")}, {_wanted("album")},
                   (SELECT COUNT(*) {_state("downloading")}), {at_most_few("missing")}
        )
        SELECT songs, artists, albums, downloading, CASE
            WHEN missing < {few} THEN missing
            WHEN {at_most_few("downloaded")} < {few}
                THEN songs - downloading - (SELECT COUNT(*) {_state("downloaded")})
            ELSE (SELECT COUNT(*) {_state("missing")})
        END FROM known
    """  # noqa: S608  names and a number of ours
