"""The ledger of a collection: what Spotify says it holds, and what became of each place. It always adds up.

    Spotify says 989 = 902 tracks + 31 withdrawn + 9 episodes + 7 local files + 40 duplicates

Where the catalog has fewer places than Spotify says, the rest is "not read yet"; where it has more, because nothing is
removed on an incomplete read, they are "kept".
"""

from __future__ import annotations

from typing import Any

from catalog.models import Collection

# (key in JSON, attribute of `with_ledger`, one of it, several of it). A place is in exactly one row.
ROWS = [
    ("tracks", "distinct_tracks", "track", "tracks"),
    ("withdrawn", "withdrawn", "withdrawn", "withdrawn"),
    ("episodes", "episodes", "episode", "episodes"),
    ("local", "local", "local file", "local files"),
    ("unreadable", "unreadable", "unreadable", "unreadable"),
    ("links", "links", "link without a name yet", "links without names yet"),
    ("duplicates", "duplicates", "duplicate", "duplicates"),
]


def ledger(collection: Collection) -> dict[str, Any]:
    """The ledger of a collection that was read with ``with_ledger()``, for JSON and pages.

    ``total`` is what the source says (the number of places where it says nothing), and
    ``total = tracks + withdrawn + episodes + local + unreadable + links + duplicates + unread - kept``.
    """
    counts = {key: int(getattr(collection, attribute)) for key, attribute, _, _ in ROWS}
    listed = sum(counts.values())
    total = listed if collection.total is None else collection.total
    sums: dict[str, Any] = {
        "name": collection.name,
        "kind": collection.kind,
        "key": collection.key,
        "account": collection.account,
        "enabled": collection.enabled,
        "closed": collection.closed,
        "problem": collection.problem,
        "total": total,
        **counts,
        "unread": max(0, total - listed),
        "kept": max(0, listed - total),
    }
    return sums | {"sentence": sentence(sums)}


def sentence(sums: dict[str, Any]) -> str:
    """The ledger in a line."""
    who = "The file lists" if sums["kind"] == Collection.Kind.FILE else "Spotify says"
    parts = [
        f"{sums[key]:,} {one if sums[key] == 1 else many}" for key, _, one, many in ROWS if sums[key] or key == "tracks"
    ]
    line = f"{who} {sums['total']:,} = " + " + ".join(parts)
    if sums["unread"]:
        line += f" + {sums['unread']:,} {'not opened to us' if sums['closed'] else 'not read yet'}"
    return line + (f" − {sums['kept']:,} kept although no longer listed" if sums["kept"] else "")


def ledgers() -> list[dict[str, Any]]:
    """Every collection's ledger, by account, kind and name."""
    return [ledger(collection) for collection in Collection.objects.with_ledger().order_by("account", "kind", "name")]
