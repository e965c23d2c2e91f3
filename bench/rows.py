"""A catalog of any size for measuring queries, made by SQL alone: no files go with it, a million rows take seconds.

Twelve tracks to an album, four albums to an artist, a guest on each fourth track; one entry and one event per track.
"""

from __future__ import annotations

from datetime import UTC, datetime

# Of a hundred tracks in a library that is kept up to date: one is not wanted, one has failed and cools down, three
# are due, the rest is on disk. In a fresh one everything that is wanted is due.
KEPT, FRESH = "kept", "fresh"
STATUS = {
    KEPT: "CASE WHEN i % 100 BETWEEN 1 AND 4 THEN 'missing' ELSE 'downloaded' END",
    FRESH: "'missing'",
}
EPOCH = 1_767_225_600  # 2026-01-01: long past, so that whatever is due by it is due now
COOLING = 4_070_908_800  # 2099-01-01
COOLED = datetime.fromtimestamp(COOLING, UTC)


def fill(tracks: int, library: str = KEPT) -> None:
    """Fill an empty, migrated database. ``library`` is KEPT or FRESH."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")  # no look-up of each foreign key
        for statement in _statements(tracks, library, connection.vendor):
            cursor.execute(statement)
        if connection.vendor == "postgresql":
            for table in ("artist", "album", "folder", "track", "entry", "credit", "event", "collection"):
                name = f"catalog_{table}"
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))")


def json_list(text: str, vendor: str) -> str:
    """SQL of a JSON list of one text."""
    return f"jsonb_build_array({text})" if vendor == "postgresql" else f"json_array({text})"


def _statements(tracks: int, library: str, vendor: str) -> list[str]:
    albums = -(-tracks // 12)
    artists = -(-tracks // 48)
    return [
        _insert(
            "artist",
            artists,
            {
                "id": "i",
                "name": "'Artist ' || i",
                "key": "'artist ' || i",
                "wanted": "i > 0",
                "sort_key": _sorted("artist"),
            },
        ),
        _insert(
            "album",
            albums,
            {
                "id": "i",
                "title": "'Album ' || i",
                "sort_key": _sorted("album"),
                "artist": "'Artist ' || ((i + 3) / 4)",
                "artist_names": json_list("'Artist ' || ((i + 3) / 4)", vendor),
                "release_type": "'album'",
                "label": "''",
                "copyright": "''",
                "key": "'album ' || i",
                "release_date": "''",
                "cover_url": "''",
                "compilation": "i < 0",
                "wanted": "i > 0",
            },
        ),
        _insert("folder", albums, {"id": "i", "path": "'Folder ' || i", "key": "'folder ' || i", "rows": "12"}),
        _insert("track", tracks, _track(library, vendor)),
        _insert("credit", tracks, {"track_id": "i", "artist_id": "(i + 47) / 48", "position": "0"}),
        _insert(
            "credit",
            tracks,
            {"track_id": "i", "artist_id": f"i * 7919 % {artists} + 1", "position": "1"},
            where="i % 4 = 0",
        ),
        _insert(
            "collection",
            1,
            {
                **dict.fromkeys(("account", "owner", "snapshot", "problem"), "''"),
                "id": "1",
                "kind": "'file'",
                "key": "'bench.csv'",
                "name": "'Bench'",
                "removal": "'keep'",
                "enabled": "i = 1",
                "closed": "i = 0",
            },
        ),
        _insert(
            "entry",
            tracks,
            {"collection_id": "1", "position": "i", "track_id": "i", "reason": "''", "label": "''", "digest": "i"},
        ),
        _insert(
            "event",
            tracks,
            {
                "track_id": "i",
                "by": "''",
                "at": moment(f"{EPOCH} + i", vendor),
                "kind": "CASE WHEN i % 100 = 1 THEN 'fail' ELSE 'finish' END",
                "reason": "''",
            },
        ),
    ]


def _track(library: str, vendor: str) -> dict[str, str]:
    status = STATUS[library]
    on_disk = f"{status} = 'downloaded'"
    failed = f"i % 100 = 1 AND '{library}' = '{KEPT}'"
    name = "'Title of song ' || i || '.mp3'"
    return {
        "id": "i",
        "title": "'Title of song ' || i",
        "album_id": "(i + 11) / 12",
        "duration_ms": "180000 + i % 60000",
        "track_number": "i % 12 + 1",
        "isrc": "'XXBE' || (10000000 + i)",
        "identity": "'title of song ' || i || '/artist'",
        "spotify_id": "'0000000000000' || (100000000 + i)",
        "added_at": moment(str(EPOCH), vendor),
        "wanted": "i % 100 <> 0",
        "ignored": "i % 100 = 0",
        "status": status,
        "local_path": f"CASE WHEN {on_disk} THEN 'Folder ' || ((i + 11) / 12) || '/' || {name} ELSE '' END",
        "folder_id": f"CASE WHEN {on_disk} THEN (i + 11) / 12 END",
        "file_name": f"CASE WHEN {on_disk} THEN {name} ELSE '' END",
        "name_key": f"CASE WHEN {on_disk} THEN {name} ELSE '' END",
        "size": f"CASE WHEN {on_disk} THEN 5000000 + i END",
        "last_seen": f"CASE WHEN {on_disk} THEN {moment(str(EPOCH), vendor)} END",
        "last_error": f"CASE WHEN {failed} THEN 'Nothing fits.' ELSE '' END",
        "error_kind": f"CASE WHEN {failed} THEN 'no_match' ELSE '' END",
        "failed_at": f"CASE WHEN {failed} THEN {moment(f'{EPOCH} + i', vendor)} END",
        "retry_after": moment(f"CASE WHEN {failed} THEN {COOLING} ELSE {EPOCH} + i END", vendor),
        "attempts": f"CASE WHEN {failed} THEN 1 ELSE 0 END",
        "reserved": "i < 0",
        "progress": "0",
    }


def _sorted(word: str) -> str:
    """SQL of what `catalog.text.sort_key` makes of such a name: numbers of six digits."""
    return f"'{word} ' || SUBSTR('00000' || i, LENGTH('00000' || i) - 5)"


def moment(seconds: str, vendor: str) -> str:
    """SQL for a column of time from seconds since 1970, as Django keeps it."""
    return f"to_timestamp({seconds})" if vendor == "postgresql" else f"datetime({seconds}, 'unixepoch')"


def _insert(table: str, rows: int, columns: dict[str, str], where: str = "") -> str:
    """One INSERT … SELECT over i = 1 … ``rows``; it reads the same on both databases."""
    return (
        f"INSERT INTO catalog_{table} ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in columns)}) "
        f"WITH RECURSIVE numbers(i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows}) "
        f"SELECT {', '.join(columns.values())} FROM numbers" + (f" WHERE {where}" if where else "")
    )
