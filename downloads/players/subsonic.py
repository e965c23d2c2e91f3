"""The Subsonic API, version 1.16.1: Navidrome, Gonic, supysonic and others."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from downloads.players.web_api import PlayerError, ask, rows

VERSION, CLIENT = "1.16.1", "tonekeep"
NO_TOKENS = {10, 41}  # the password is asked for in the clear, or the server says that it knows no tokens
SONGS = 100  # of one title, looked at


class Subsonic:
    """One server, asked by POST so that neither passwords nor long playlists stand in addresses."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self._base = address.rstrip("/").removesuffix("/rest") + "/rest/"
        self._user, self._password = user, password
        self._plain = False

    def start_scan(self) -> str:
        """Ask for a scan. Its answer in words."""
        self._ask("startScan")
        return "It scans its folders."

    def is_scanning(self) -> bool:
        status = self._ask("getScanStatus").get("scanStatus")
        return bool(isinstance(status, dict) and status.get("scanning"))

    def songs(self, title: str) -> list[dict[str, Any]]:
        """Songs whose title is or holds ``title``."""
        answer = self._ask("search3", query=title, artistCount=0, albumCount=0, songCount=SONGS)
        return rows(answer, "searchResult3", "song")

    def playlists(self) -> dict[str, str]:
        """Id -> name of all playlists of this user."""
        lists = rows(self._ask("getPlaylists"), "playlists", "playlist")
        return {str(row["id"]): str(row.get("name", "")) for row in lists if "id" in row}

    def put_playlist(self, playlist: str, name: str, songs: Sequence[str]) -> str:
        """Replace the playlist of this id, or make one where it is "". Its id."""
        if playlist:
            self._ask("createPlaylist", playlistId=playlist, songId=list(songs))
            self._ask("updatePlaylist", playlistId=playlist, name=name)
            return playlist
        before = self.playlists()
        made = self._ask("createPlaylist", name=name, songId=list(songs)).get("playlist")
        if isinstance(made, dict) and made.get("id"):  # since 1.14
            return str(made["id"])
        new = [other for other, called in self.playlists().items() if other not in before and called == name]
        if not new:
            raise PlayerError("It made no playlist.")
        return new[0]

    def delete_playlist(self, playlist: str) -> None:
        self._ask("deletePlaylist", id=playlist)

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        try:
            return self._once(method, parameters)
        except PlayerError as error:
            if self._plain or error.code not in NO_TOKENS:
                raise
            self._plain = True  # supysonic keeps only a hash and cannot check a token
            return self._once(method, parameters)

    def _once(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        form = {"u": self._user, **self._proof(), "v": VERSION, "c": CLIENT, "f": "json", **parameters}
        answer = ask("POST", f"{self._base}{method}.view", data=form)
        inner = answer.get("subsonic-response") if isinstance(answer, dict) else None
        if not isinstance(inner, dict):
            raise PlayerError("What answered there is no Subsonic server.")
        if inner.get("status") != "ok":
            error = inner.get("error")
            code = error.get("code") if isinstance(error, dict) else 0
            reason = str(error.get("message", "")) if isinstance(error, dict) else ""
            raise PlayerError(f"It says: {reason[:200]}", code if isinstance(code, int) else 0)
        return inner

    def _proof(self) -> dict[str, str]:
        if self._plain:
            return {"p": f"enc:{self._password.encode().hex()}"}
        salt = secrets.token_hex(8)
        token = hashlib.md5(f"{self._password}{salt}".encode(), usedforsecurity=False)  # the API's own scheme
        return {"t": token.hexdigest(), "s": salt}
