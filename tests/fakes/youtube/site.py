"""The hosts of YouTube and of YouTube Music, as far as a guest who fetches songs sees them.

Clients as yt-dlp asks them: the television's gets addresses with a scrambled signature and an ``n`` to be solved, the
headset's plain ones, the web page's none (SABR only). The media host refuses wrong ones and knows Range.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.fakes.youtube import music, player
from tests.fakes.youtube.proxy import ConnectProxy
from tests.fakes.youtube.recordings import TYPES, Recording

Json = dict[str, Any]
Answer = Callable[[BaseHTTPRequestHandler], None]
MUSIC, WWW, MEDIA = "music.youtube.com", "www.youtube.com", "rr1---sn-standin.googlevideo.com"
MIRROR = "rr2---sn-mirror.googlevideo.com"
HOSTS = (MUSIC, WWW, "youtube.com", "*.googlevideo.com", "youtubei.googleapis.com")
PLAYER = "/s/player/0123abcd/player_ias.vflset/en_US/base.js"
LONGEST_RESULTS = 20
COOKIE = "VISITOR_INFO1_LIVE=stand-in; Domain=.youtube.com; Path=/; Secure; HttpOnly; Max-Age=15552000"
VISITOR = "CgtTdGFuZC1pbiE%3D"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the place (see `Site.answers`), its host, path, body and cookies."""

    place: str
    host: str
    path: str
    body: bytes
    cookies: str = ""


class Site:
    """Answers as YouTube does. Use `serve` as a context manager.

    ``has_challenges``: without them no client needs deno; without ``headset`` its client gets no formats. ``mirrors``:
    the media host leads to another one of its kind. ``answers``: place -> what is answered there instead; places are
    "home", "search", "page", "next", "player", "script", "embed", "iframe", "media" and "" for all others.
    ``change_player``: what every answer of the player goes through, with its client. ``searches``: whole answers of
    the search for some queries (a recorded one's body).
    """

    def __init__(self, folder: Path, recordings: Sequence[Recording]) -> None:
        self.folder = folder
        self.recordings = {recording.id: recording for recording in recordings}
        self.itags: tuple[int, ...] = (140, 251)
        self.answers: dict[str, Answer] = {}
        self.searches: dict[str, Json] = {}
        self.change_player: Callable[[str, Json], Json] = lambda client, answer: answer
        self.script_is_broken = False
        self.has_challenges = True
        self.headset = True
        self.mirrors = False
        self.asked: list[Asked] = []
        self._proxy = ConnectProxy(folder, HOSTS, self.answer)
        self._making = threading.Lock()

    @contextmanager
    def serve(self) -> Iterator[Site]:
        with self._proxy:
            yield self

    @property
    def proxy(self) -> ConnectProxy:
        return self._proxy

    def settings(self) -> dict[str, str]:
        """What a program is told so that it comes here."""
        return {"AUDIO_SOURCE": "youtube", "YOUTUBE_PROXY": self.proxy.url, "SSL_CERT_FILE": str(self.proxy.ca_file)}

    def asked_for(self, place: str) -> int:
        return sum(asked.place == place for asked in self.asked)

    # --- Answers ------------------------------------------------------------------------------------------

    def answer(self, handler: BaseHTTPRequestHandler, host: str) -> None:
        """Answer one request to one of the hosts."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        place = self._place(host, urlsplit(handler.path).path)
        self.asked.append(Asked(place, host, handler.path, body, handler.headers.get("Cookie", "")))
        own: dict[str, Callable[[], None]] = {
            "home": lambda: _send(handler, _script("ytcfg.set", {"VISITOR_DATA": VISITOR}), "text/html"),
            "search": lambda: _send_json(handler, self._search(host, json.loads(body))),
            "page": lambda: _send(
                handler, self._page(parse_qs(urlsplit(handler.path).query)["v"][0]), "text/html", cookie=COOKIE
            ),
            "player": lambda: _send_json(handler, self._player(json.loads(body))),
            "script": lambda: _send(handler, player.script(self.script_is_broken), "text/javascript"),
            "media": lambda: self._media(handler),
            "next": lambda: _send_json(handler, {"contents": {"twoColumnWatchNextResults": {"results": {}}}}),
            "embed": lambda: _send(handler, self._page(urlsplit(handler.path).path[7:]), "text/html"),
            "iframe": lambda: _send(handler, f"var scriptUrl = '{PLAYER}';", "text/javascript"),
        }
        with suppress(BrokenPipeError, ConnectionResetError):
            if place in self.answers:
                self.answers[place](handler)
            elif place in own:
                own[place]()
            else:
                _send(handler, "", "text/plain", 404)

    @staticmethod
    def _place(host: str, path: str) -> str:
        if host.endswith(".googlevideo.com"):
            return "media"
        places = {"/watch": "page", "/youtubei/v1/player": "player", "/youtubei/v1/search": "search"}
        places |= {"/youtubei/v1/next": "next", "/iframe_api": "iframe"}
        if path.startswith(("/s/player/", "/embed/")):
            return "script" if path.startswith("/s/") else "embed"
        return "home" if (host, path) == (MUSIC, "/") else places.get(path, "")

    def _search(self, host: str, body: Json) -> Json:
        if host != MUSIC:
            return {"contents": {}}
        if body["query"] in self.searches:
            return self.searches[body["query"]]
        kind = next((kind for sign, kind in music.FILTERS.items() if body.get("params", "").startswith(sign)), "")
        wanted = _words(body["query"])
        ranked = sorted(self.recordings.values(), key=lambda each: -len(wanted & _words(each.title, *each.artists)))
        found = [each for each in ranked if each.kind == kind and wanted & _words(each.title, *each.artists)]
        return music.results(found[:LONGEST_RESULTS], kind)

    def _page(self, video: str) -> str:
        config = {
            "INNERTUBE_API_KEY": "stand-in",
            "VISITOR_DATA": VISITOR,
            "PLAYER_JS_URL": PLAYER,
            "INNERTUBE_CONTEXT": {
                "client": {"clientName": "WEB", "clientVersion": "2.20260708.00.00", "hl": "en", "visitorData": VISITOR}
            },
            "INNERTUBE_CONTEXT_CLIENT_NAME": 1,
        }
        return (
            "<!DOCTYPE html><html><head><title>stand-in</title></head><body>"
            + _script("ytcfg.set", config)
            + f"<script>var ytInitialPlayerResponse = {json.dumps(self._player_answer(video, 'WEB'))};</script>"
            + f"<script>var ytInitialData = {json.dumps({'contents': {'twoColumnWatchNextResults': {}}})};</script>"
            + "</body></html>"
        )

    def _player(self, body: Json) -> Json:
        return self._player_answer(body["videoId"], body["context"]["client"]["clientName"])

    def _player_answer(self, video: str, client: str) -> Json:
        recording = self.recordings.get(video)
        if recording is None:
            reason = {"status": "ERROR", "reason": "Video unavailable"}
            return self.change_player(client, {"playabilityStatus": reason, "videoDetails": {"videoId": video}})
        answer = {
            "playabilityStatus": {"status": "OK"},
            "videoDetails": {
                "videoId": video,
                "title": recording.title,
                "author": f"{recording.artists[0]} - Topic",
                "channelId": "UC" + "s" * 22,
                "lengthSeconds": str(round(recording.seconds)),
                "isLiveContent": False,
                "viewCount": "1000",
            },
            "streamingData": {"expiresInSeconds": "21540", "adaptiveFormats": self._formats(recording, client)},
        }
        return self.change_player(client, answer)

    def _formats(self, recording: Recording, client: str) -> list[Json]:
        if client == "VISIONOS" and not self.headset:
            return []
        return [self._format(recording, client, itag) for itag in self.itags]

    def _format(self, recording: Recording, client: str, itag: int) -> Json:
        size = self._sound(recording, itag).stat().st_size
        common: Json = {
            "itag": itag,
            "mimeType": TYPES[itag],
            "bitrate": round(size * 8 / recording.seconds),
            "averageBitrate": round(size * 8 / recording.seconds),
            "contentLength": str(size),
            "approxDurationMs": str(round(recording.seconds * 1000)),
            "audioQuality": "AUDIO_QUALITY_MEDIUM",
            "audioSampleRate": "48000" if itag == 251 else "44100",
            "audioChannels": 2,
        }
        query = {"id": recording.id, "itag": itag, "c": client}
        if client == "WEB":
            return common
        if client != "TVHTML5" or not self.has_challenges:
            return common | {"url": f"https://{MEDIA}/videoplayback?{urlencode(query)}"}
        address = f"https://{MEDIA}/videoplayback?{urlencode(query | {'n': _challenge(recording.id)})}"
        cipher = {"s": _scrambled(recording.id), "sp": "sig", "url": address}
        return common | {"signatureCipher": urlencode(cipher)}

    def _sound(self, recording: Recording, itag: int) -> Path:
        with self._making:
            return recording.sound(self.folder, itag)

    def _media(self, handler: BaseHTTPRequestHandler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        solved = (player.solve_n(_challenge(query["id"])), player.unscramble(_scrambled(query["id"])))
        if self.has_challenges and query["c"] == "TVHTML5" and (query.get("n"), query.get("sig")) != solved:
            _send(handler, "", "text/plain", 403)
            return
        if self.mirrors and handler.headers["Host"] == MEDIA:
            handler.send_response(302)
            handler.send_header("Location", f"https://{MIRROR}{handler.path}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        content = self._sound(self.recordings[query["id"]], int(query["itag"])).read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        end = min(int(asked[2] or len(content) - 1), len(content) - 1) if asked else len(content) - 1
        handler.send_response(206 if asked else 200)
        handler.send_header("Content-Type", TYPES[int(query["itag"])].partition(";")[0])
        handler.send_header("Accept-Ranges", "bytes")
        handler.send_header("Content-Length", str(end - start + 1))
        if asked:
            handler.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        handler.end_headers()
        handler.wfile.write(content[start : end + 1])


def _challenge(video: str) -> str:
    return f"n{video}q"


def _scrambled(video: str) -> str:
    return f"AOq{video}0123456789abcdefghijklmnopqrstuvwxyz=="


def _words(*texts: str) -> set[str]:
    return set(re.findall(r"\w+", " ".join(texts).casefold()))


def _script(function: str, value: Json) -> str:
    return f"<script>{function}({json.dumps(value)});</script>"


def _send(handler: BaseHTTPRequestHandler, text: str, kind: str, status: int = 200, cookie: str = "") -> None:
    body = text.encode()
    handler.send_response(status)
    if cookie:
        handler.send_header("Set-Cookie", cookie)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _send_json(handler: BaseHTTPRequestHandler, value: Json) -> None:
    _send(handler, json.dumps(value), "application/json")
