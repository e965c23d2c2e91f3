"""Jellyfin and Plex: ask for a scan, of folders where they name them as we are told."""

from __future__ import annotations

from collections.abc import Sequence

from downloads.players.web_api import PlayerError, ask, rows


def refresh_jellyfin(address: str, key: str, folders: Sequence[str]) -> str:
    """Report changed folders, absolute as Jellyfin names them, or have all libraries scanned where there are none."""
    headers = {"Authorization": f'MediaBrowser Token="{key}"'}
    base = address.rstrip("/")
    if folders:
        updates = {"Updates": [{"Path": folder, "UpdateType": "Modified"} for folder in folders]}
        ask("POST", f"{base}/Library/Media/Updated", headers, json=updates)
        return "It looks through what has changed."
    ask("POST", f"{base}/Library/Refresh", headers)
    return "It scans its libraries."


def refresh_plex(address: str, token: str, folders: Sequence[str]) -> str:
    """Refresh the music sections: folders, absolute as Plex names them, or the sections as a whole."""
    headers, base = {"X-Plex-Token": token}, address.rstrip("/")
    sections = rows(ask("GET", f"{base}/library/sections", headers), "MediaContainer", "Directory")
    music = [section for section in sections if section.get("type") == "artist"]
    if not music:
        raise PlayerError("It has no music library.")
    for section in music:
        places = [str(place.get("path", "")).rstrip("/") + "/" for place in rows(section, "Location")]
        ours = [folder for folder in folders if any(f"{folder}/".startswith(place) for place in places)]
        if folders and not ours:
            continue
        for path in ours or [""]:
            refresh = f"{base}/library/sections/{section.get('key')}/refresh"
            ask("GET", refresh, headers, params={"path": path} if path else {})
        return "It looks through what has changed."
    raise PlayerError("None of its music libraries holds this folder: check how Plex names it.")
