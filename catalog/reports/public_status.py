"""What STATUS_PUBLIC opens of a snapshot: fields that are named here, and no other. Pure.

Numbers, states, times and songs; no path, no text of an error, no reason, nobody's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog.reports.headline import headline

SONG = (
    *("id", "title", "artists", "album", "album_id", "track_number", "duration_ms", "percent"),
    *("status", "wanted", "ignored", "attempts", "error_kind", "failed_at", "retry_after"),
)
RUN = ("started_at", "ended_at", "running", "ok", "done", "total")
SERVICE = ("name", "state", "paused", "paused_by_person", "paused_until")


def public_snapshot(snapshot: dict[str, Any]) -> dict[str, Any]:
    """A stranger's part of `catalog.reports.status.snapshot`'s answer, in the same places."""
    queue, failures = snapshot["queue"], snapshot["failures"]
    fields: dict[str, Any] = {
        **_only(snapshot, ("at", "counters", "connected", "seconds_left")),
        **public_conditions(snapshot),
        "queue": {**_only(queue, ("ready", "cooling", "next_due")), "items": public_songs(queue["items"])},
        "downloading": public_songs(snapshot["downloading"]),
        "failures": {"total": failures["total"], "items": public_songs(failures["items"])},
        "runs": {kind: run and _only(run, RUN) for kind, run in snapshot["runs"].items()},
    }
    fields["headline"], fields["mood"] = headline(fields)
    return fields


def public_conditions(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The same of `catalog.reports.status.conditions`."""
    return {
        "storage": {**_only(snapshot["storage"], ("state", "checked_at")), "reason": "", "may_be_accepted": False},
        "services": [{**_only(service, SERVICE), "reason": ""} for service in snapshot["services"]],
        "workers": {"state": snapshot["workers"]["state"], "silent": []},
        "plan": {"waits": snapshot["plan"]["waits"], "reason": "", "to_bin": 0},
        "rest": "Nothing is downloaded at this hour." if snapshot["rest"] else "",
    }


def public_songs(songs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Songs as `catalog.reports.status.described` gives them, without the texts of errors."""
    return [_only(song, SONG) for song in songs]


def _only(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
