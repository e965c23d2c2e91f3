"""Jellyfin and Plex: a scan, of folders where they name them as we are told, and playlists by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from downloads.players.web_api import PlayerError, ask, rows

SONGS = 100  # of one title, looked at
AT_ONCE = 200  # songs in one address of Plex


class Jellyfin:
    """One server (10.9 or newer for playlists), by an API key, or by a user: playlists belong to one."""

    def __init__(self, address: str, user: str, secret: str) -> None:
        self._base, self._user, self._secret = address.rstrip("/"), user, secret
        self._token = "" if user else secret

    def refresh(self, folders: Sequence[str]) -> str:
        """Report changed folders, absolute as Jellyfin names them; where there are none, let it scan all libraries."""
        if folders:
            updates = [{"Path": folder, "UpdateType": "Modified"} for folder in folders]
            self._ask("POST", "/Library/Media/Updated", json={"Updates": updates})
            return "It looks through what has changed."
        self._ask("POST", "/Library/Refresh")
        return "It scans its libraries."

    def is_scanning(self) -> bool:
        return False  # it tells that to administrators alone: the songs are looked for again instead

    def songs(self, title: str) -> list[dict[str, Any]]:
        """Songs whose title holds ``title``."""
        found = self._items("Audio", searchTerm=title, fields="Path", limit=SONGS)
        return [_song(row, "Id", "Name", "Album", path=row.get("Path"), artist=_artists(row)) for row in found]

    def playlists(self) -> dict[str, str]:
        """Id -> name of all playlists that this user sees."""
        return {str(row["Id"]): str(row.get("Name", "")) for row in self._items("Playlist") if "Id" in row}

    def put_playlist(self, playlist: str, name: str, songs: Sequence[str]) -> str:
        """Replace the playlist of this id, or make one where it is "". Its id."""
        body = {"Name": name, "Ids": list(songs)}
        if playlist:
            self._ask("POST", f"/Playlists/{playlist}", json=body)
            return playlist
        made = self._ask("POST", "/Playlists", json={**body, "MediaType": "Audio"})
        if not isinstance(made, dict) or not made.get("Id"):
            raise PlayerError("It made no playlist.")
        return str(made["Id"])

    def delete_playlist(self, playlist: str) -> None:
        self._ask("DELETE", f"/Items/{playlist}")

    def _items(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        wanted |= {"includeItemTypes": kind, "recursive": "true"}
        return rows(self._ask("GET", "/Items", params=wanted), "Items")

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        if not self._token:
            self._log_in()
        return ask(method, self._base + path, {"Authorization": f'{_CLIENT}, Token="{self._token}"'}, **request)

    def _log_in(self) -> None:
        said = {"Username": self._user, "Pw": self._secret}
        answer = ask("POST", f"{self._base}/Users/AuthenticateByName", {"Authorization": _CLIENT}, json=said)
        self._token = str(answer.get("AccessToken", "")) if isinstance(answer, dict) else ""
        if not self._token:
            raise PlayerError("What answered there is not Jellyfin.")


# One device: each log-in takes the place of the last one in Jellyfin's list.
_CLIENT = 'MediaBrowser Client="Tonekeep", Device="Tonekeep", DeviceId="tonekeep", Version="1"'


class Plex:
    """One server, by a token; the playlists belong to its person."""

    def __init__(self, address: str, token: str) -> None:
        self._base, self._headers = address.rstrip("/"), {"X-Plex-Token": token}
        self._prefix = ""
        self._sections: list[dict[str, Any]] = []

    def refresh(self, folders: Sequence[str]) -> str:
        """Refresh the music sections: folders, absolute as Plex names them, or the sections as a whole."""
        calls: list[tuple[Any, dict[str, str]]] = []
        for section in self._music():
            places = [str(place.get("path", "")).rstrip("/") + "/" for place in rows(section, "Location")]
            ours = [folder for folder in folders if any(f"{folder}/".startswith(place) for place in places)]
            calls += [(section.get("key"), {"path": folder}) for folder in ours]
            calls += [] if folders else [(section.get("key"), {})]
        if not calls:
            raise PlayerError("None of its music libraries holds this folder: check how Plex names it.")
        for key, path in calls:
            self._ask("GET", f"/library/sections/{key}/refresh", **path)
        return "It looks through what has changed."

    def is_scanning(self) -> bool:
        return any(section.get("refreshing") for section in self._music())

    def songs(self, title: str) -> list[dict[str, Any]]:
        """Tracks whose title holds ``title``."""
        size = {"X-Plex-Container-Start": 0, "X-Plex-Container-Size": SONGS}
        found = []
        for section in self._sections or self._music():
            answer = self._ask("GET", f"/library/sections/{section.get('key')}/all", type=10, title=title, **size)
            found += rows(answer, "MediaContainer", "Metadata")
        names = ("ratingKey", "title", "parentTitle")
        return [_song(row, *names, path=_file(row), artist=row.get("grandparentTitle")) for row in found]

    def playlists(self) -> dict[str, str]:
        """Id -> name of the audio playlists that are no filters."""
        found = rows(self._ask("GET", "/playlists", playlistType="audio", smart=0), "MediaContainer", "Metadata")
        return {str(row["ratingKey"]): str(row.get("title", "")) for row in found if "ratingKey" in row}

    def put_playlist(self, playlist: str, name: str, songs: Sequence[str]) -> str:
        """Replace the playlist of this id, or make one where it is "". Its id."""
        parts = [self._uri(songs[start : start + AT_ONCE]) for start in range(0, len(songs), AT_ONCE)]
        if playlist:
            self._ask("DELETE", f"/playlists/{playlist}/items")
            self._ask("PUT", f"/playlists/{playlist}", title=name)
        else:
            answer = self._ask("POST", "/playlists", type="audio", title=name, smart=0, uri=parts.pop(0))
            made = rows(answer, "MediaContainer", "Metadata")
            if not made or not made[0].get("ratingKey"):
                raise PlayerError("It made no playlist.")
            playlist = str(made[0]["ratingKey"])
        for uri in parts:
            self._ask("PUT", f"/playlists/{playlist}/items", uri=uri)
        return playlist

    def delete_playlist(self, playlist: str) -> None:
        self._ask("DELETE", f"/playlists/{playlist}")

    def _music(self) -> list[dict[str, Any]]:
        found = rows(self._ask("GET", "/library/sections"), "MediaContainer", "Directory")
        self._sections = [section for section in found if section.get("type") == "artist"]
        if not self._sections:
            raise PlayerError("It has no music library.")
        return self._sections

    def _uri(self, songs: Sequence[str]) -> str:
        if not self._prefix:
            answer = self._ask("GET", "/identity")
            inner = answer.get("MediaContainer") if isinstance(answer, dict) else None
            machine = inner.get("machineIdentifier") if isinstance(inner, dict) else None
            self._prefix = f"server://{machine}/com.plexapp.plugins.library/library/metadata/"
        return self._prefix + ",".join(songs)

    def _ask(self, method: str, address: str, **params: Any) -> Any:
        return ask(method, self._base + address, self._headers, params=params)


def _song(row: dict[str, Any], pk: str, title: str, album: str, **known: Any) -> dict[str, Any]:
    """By Subsonic's names."""
    return {"id": str(row.get(pk) or ""), "title": row.get(title), "album": row.get(album), **known}


def _artists(row: dict[str, Any]) -> str:
    names = row.get("Artists")
    return " ".join(map(str, names)) if isinstance(names, list) else ""


def _file(row: dict[str, Any]) -> str:
    parts = [part for media in rows(row, "Media") for part in rows(media, "Part")]
    return str(parts[0].get("file", "")) if parts else ""
