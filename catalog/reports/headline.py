"""The sentence at the top of the status page. Pure: it is made of a snapshot that was read before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from catalog.text import humanize


def headline(snapshot: dict[str, Any]) -> tuple[str, str]:
    """The state of the library in one sentence, e.g. "All 412 songs are here", and its severity.

    ``snapshot`` is a snapshot of `catalog.reports.status`; the severity is "ok", "busy", "warn" or "bad". The first
    condition that applies counts: no songs, offline, held, cannot write, paused, waiting, at rest, no worker, fetching.
    """
    counters, library = snapshot["counters"], snapshot["storage"]
    missing = f"{counters['missing']:,} missing"
    if not counters["songs"]:
        return _nothing_here(snapshot), "warn"
    if library["state"] == "offline":
        return f"Library offline: {_clause(library['reason'])}" if library["reason"] else "Library offline", "bad"
    if not counters["missing"] and not counters["downloading"]:
        return _all_here(counters["songs"]), "ok"
    if snapshot["plan"]["waits"]:
        return f"{missing}: downloads wait until you have seen the plan", "warn"
    if library["state"] == "held":
        return f"{missing}: downloads wait for you", "warn"
    if library["state"] != "online":
        return f"{missing}: downloads wait. {library['reason']}".strip(), "bad"
    return _fetching(snapshot, missing)


def _nothing_here(snapshot: dict[str, Any]) -> str:
    """No song is wanted: nobody is connected, or Spotify has not been read yet."""
    if not snapshot["connected"]:
        return "Nothing is here yet: connect Spotify, or import a file"
    spotify = next(service for service in snapshot["services"] if service["name"] == "spotify")
    if not spotify["paused"]:
        return "Nothing is here yet: the next sync reads your library"
    again = (
        f" {humanize.ahead(spotify['paused_until'], snapshot['at'])}"
        if spotify["paused_until"]
        else " when you say go on"
    )
    return f"Nothing is here yet: Spotify is asked again{again}. {spotify['reason']}".strip()


def _all_here(songs: int) -> str:
    return "The one song is here" if songs == 1 else f"All {songs:,} songs are here"


def _fetching(snapshot: dict[str, Any], missing: str) -> tuple[str, str]:
    """Something is missing and the library is there: is it being fetched?"""
    counters, queue, now = snapshot["counters"], snapshot["queue"], snapshot["at"]
    pause = next(
        (service for service in snapshot["services"] if service["paused"] and service["name"] != "spotify"), None
    )
    if counters["downloading"] and not counters["missing"]:
        return f"Downloading the last {humanize.count(counters['downloading'], 'song')}", "busy"
    if pause and pause["paused_by_person"]:
        return f"{missing}: downloads are paused", "warn"
    if pause:
        return (
            f"{missing}: downloads resume {humanize.ahead(pause['paused_until'], now)}. {pause['reason']}".strip(),
            "warn",
        )
    if not queue["ready"] and not counters["downloading"]:
        return f"{missing}: next try {humanize.ahead(queue['next_due'], now)}", "warn"
    if snapshot["rest"] and not counters["downloading"]:
        return f"{missing}: downloads rest. {snapshot['rest']}", "warn"
    if snapshot["workers"]["state"] != "running" and not counters["downloading"]:
        return f"{missing}: no worker is running", "bad"
    seconds = snapshot["seconds_left"]
    return f"{missing}: downloading" + (
        f", about {humanize.span(timedelta(seconds=seconds))}" if seconds else ""
    ), "busy"


def _clause(reason: str) -> str:
    """A sentence of `catalog.storage.state` as the second half of another one."""
    reason = reason.rstrip(".")
    return reason[:1].lower() + reason[1:]
