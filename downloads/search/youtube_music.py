"""YouTube Music's search through ytmusicapi, then YouTube's own through yt-dlp. The only importer of ytmusicapi."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from ytmusicapi import YTMusic
from ytmusicapi.exceptions import YTMusicError

from downloads.failures.classify import classify, parse_retry_after, plain_message
from downloads.failures.kinds import DownloadError
from downloads.fetch.protocol import ytdlp_proxy
from downloads.fetch.url_allowlist import YOUTUBE_ID, youtube_address
from downloads.matching.features import SearchResult, TrackQuery
from downloads.matching.score import choose

RESULTS = 20  # one page of YouTube Music; a second one holds nothing that fits better
LONGEST_QUERY = 200  # characters
# The searches of one wish, in this order, until a candidate fits: the fewer questions, the longer they are
# answered. An ISRC is one recording where YouTube knows it; songs are releases, videos anybody's uploads.
ISRC, ARTISTS_TITLE, WITH_ALBUM, TITLE_ARTIST = "isrc", "artists title", "artists title album", "title artist"
PLAN: tuple[tuple[str, str | None], ...] = (
    (ISRC, None),
    (ARTISTS_TITLE, "songs"),
    (ARTISTS_TITLE, "videos"),
    (WITH_ALBUM, "songs"),  # a name of one word drowns without its album
    (TITLE_ARTIST, "songs"),  # guests named in the question hide a release that does not name them
    (TITLE_ARTIST, "videos"),
)
OWN_WORDS = ("songs", "videos")  # a person's own words are searched in both: whoever asks wants to choose
# These stop everything: asking on, or elsewhere on YouTube, makes it worse or cannot help.
FINAL = frozenset({"rate_limit", "bot_check", "login", "network", "certificate", "proxy"})
RELEASE = "MUSIC_VIDEO_TYPE_ATV"  # a release's own sound over its cover
NO_SONG = "MUSIC_VIDEO_TYPE_PODCAST_EPISODE"
_FACTORS = {"": 1, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000}


Fallback = Callable[[str], list[dict[str, Any]]]


class YouTubeMusic:
    """Searches YouTube Music, and by ``fallback`` YouTube where that fails. ``timeout``: seconds for each question."""

    def __init__(self, timeout: float, session: requests.Session | None, fallback: Fallback) -> None:
        self._session = session or _Session(timeout)
        self._session.hooks["response"].append(_require_ok)
        self._fallback = fallback
        self._music: dict[str, YTMusic] = {}

    def search(self, query: TrackQuery, words: str = "") -> list[SearchResult]:
        """Candidates for ``query``, songs before videos, each id once; [] where nothing is found. DownloadError.

        ``words`` are a person's own: then they alone are searched for, in all kinds.
        """
        results: dict[str, SearchResult] = {}
        trouble: DownloadError | None = None
        plan = list(queries(query, words))
        for text, kind in plan:
            try:
                rows = self._query(text, kind)
            except DownloadError as error:
                if error.kind in FINAL:
                    raise
                trouble = error  # YouTube Music changed or is ill; YouTube itself may still answer
                break
            results = _merge(results, rows)
            if not words and choose(query, results.values()) is not None:
                break
        language = "" if words or trouble or choose(query, results.values()) else language_of(query)
        if language:
            own = self._query(_text(*query.artists, query.title), "songs", language)
            results |= {result.id: result for result in own}  # also over what was listed in Latin letters before
        if not results:
            results = self._fall_back(next((text for text, kind in plan if kind), ""), trouble)
        return sorted(results.values(), key=lambda result: result.kind != "song")

    def _music_in(self, language: str) -> YTMusic:
        """One client for each language; to YouTube they are one guest."""
        if language not in self._music:
            music = _AnyShelf(language=language, requests_session=self._session)
            if self._music:
                music.__dict__["base_headers"] = next(iter(self._music.values())).base_headers
            self._music[language] = music
        return self._music[language]

    def _query(self, query: str, kind: str | None, language: str = "en") -> list[SearchResult]:
        try:
            rows = self._music_in(language).search(query, filter=kind, limit=RESULTS)  # type: ignore[arg-type]
            return [result for row in rows if (result := result_of(row)) is not None]
        except DownloadError:
            raise
        except requests.RequestException as error:
            kind, cause = _transport_failure(error)
            raise DownloadError(kind, f"YouTube Music does not answer: {cause}.") from error
        except YTMusicError as error:
            kind_of_error = classify(str(error))
            kind_of_error = "server" if kind_of_error == "unknown" else kind_of_error
            raise DownloadError(kind_of_error, plain_message(str(error))) from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # its parse, over a page that changed
            raise DownloadError("server", "YouTube Music's answer could not be read.") from error

    def _fall_back(self, query: str, trouble: DownloadError | None) -> dict[str, SearchResult]:
        if not query:
            return {}
        try:
            rows = self._fallback(query)
        except DownloadError as error:
            cause = error if trouble is None or error.kind in FINAL else trouble
            raise DownloadError(cause.kind, cause.message, cause.retry_after) from error
        return _merge({}, [result for row in rows if (result := _of_yt_dlp(row)) is not None])


class _AnyShelf(YTMusic):
    """Reads shelves of every language: ytmusicapi 1.12.3 drops what stands under a heading that is not English.

    Other than English it is asked for songs only: of videos it would take the count of views for an artist.
    """

    def _send_request(self, *args: Any, **options: Any) -> Any:
        answer = super()._send_request(*args, **options)
        if self.language != "en":
            for title in _shelf_titles(answer):
                title["runs"] = [{"text": "Songs"}]
        return answer


def _shelf_titles(answer: Any) -> Iterator[dict[str, Any]]:
    """The headings of the shelves in an answer of the search, at whatever depth."""
    for key, part in answer.items() if isinstance(answer, dict) else enumerate(answer):
        if key == "musicShelfRenderer" and isinstance(part, dict) and isinstance(part.get("title"), dict):
            yield part["title"]
        if isinstance(part, (dict, list)):
            yield from _shelf_titles(part)


# Script of a wish -> the language in which its titles are listed as they are; others are not known to ytmusicapi.
LANGUAGES = {"HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CYRILLIC": "ru", "ARABIC": "ar", "DEVANAGARI": "hi"}


def language_of(query: TrackQuery) -> str:
    """The language that a wish in another script than Latin is searched in once more; "" for all others."""
    letters = [letter for letter in " ".join((query.title, *query.artists)) if letter.isalpha()]
    scripts = {unicodedata.name(letter, "?").partition(" ")[0] for letter in letters}
    known = [LANGUAGES[script] for script in LANGUAGES if script in scripts]
    if known or "CJK" not in scripts:
        return known[0] if known else ""
    return "ja" if query.isrc.startswith("JP") else "zh_TW"


class SourceAddressAdapter(HTTPAdapter):
    """Connects from one of this machine's addresses."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options | {"source_address": (self._address, 0)})  # type: ignore[no-untyped-call]


class _Session(requests.Session):
    """Gives up after ``timeout`` seconds of silence; proxy and certificates are the settings' alone, and no .netrc."""

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = settings.CA_FILE or True
        if settings.YOUTUBE_PROXY:
            self.proxies = dict.fromkeys(("http", "https"), ytdlp_proxy(settings.YOUTUBE_PROXY))
        if settings.YOUTUBE_SOURCE_ADDRESS:
            self.mount("https://", SourceAddressAdapter(settings.YOUTUBE_SOURCE_ADDRESS))
        self._timeout = timeout

    def request(self, *args: Any, **options: Any) -> requests.Response:
        options["timeout"] = options.get("timeout") or self._timeout
        return super().request(*args, **options)


def _transport_failure(error: requests.RequestException) -> tuple[str, str]:
    """The kind of a request that got no answer, and what went wrong in a few words."""
    if isinstance(error, requests.exceptions.ProxyError):
        return "proxy", "the proxy does not let us through"
    if isinstance(error, requests.exceptions.SSLError):
        return "certificate", "its certificate is not trusted"
    if isinstance(error, requests.Timeout):
        return "network", "it took too long"
    text = str(error).lower()
    if "resolve" in text or "name or service" in text or "getaddrinfo" in text:
        return "network", "its name is not found (DNS)"
    return "network", "the connection failed"


def _require_ok(answer: requests.Response, *_: Any, **__: Any) -> None:
    if re.match(r"https://(www\.)?google\.[a-z.]{2,6}/sorry", answer.headers.get("Location", "")):
        raise DownloadError("bot_check", "YouTube Music asks for a captcha because of unusual traffic.")
    # ytmusicapi would keep the status only within a text, and not the time that a 429 names.
    if answer.status_code >= 400:
        wait = parse_retry_after(answer.headers.get("Retry-After"))
        kind = classify(answer.text[:2000] if answer.status_code in (401, 403) else "", answer.status_code)
        kind = "server" if kind == "removed" else kind
        raise DownloadError(kind, f"YouTube Music answers {answer.status_code}.", wait)


def queries(query: TrackQuery, words: str = "") -> Iterator[tuple[str, str | None]]:
    """The texts to search for with YouTube Music's filter, in the order of `PLAN`, each once; or a person's words."""
    if words:
        yield from ((_text(words), kind) for kind in OWN_WORDS)
        return
    main = query.artists[0] if query.artists else ""
    texts = {
        ISRC: query.isrc,
        ARTISTS_TITLE: _text(*query.artists, query.title),
        WITH_ALBUM: _text(*query.artists, query.title, query.album) if query.album != query.title else "",
        TITLE_ARTIST: _text(query.title, main),
    }
    seen: set[tuple[str, str | None]] = set()
    for name, kind in PLAN:
        step = (texts[name], kind)
        if texts[name] and step not in seen:
            seen.add(step)
            yield step


def _text(*parts: str) -> str:
    """One line of words, cut at a word where it is very long."""
    text = " ".join(" ".join(parts).split())
    return text if len(text) <= LONGEST_QUERY else text[:LONGEST_QUERY].rsplit(" ", 1)[0]


def _merge(results: dict[str, SearchResult], more: list[SearchResult]) -> dict[str, SearchResult]:
    return results | {result.id: result for result in more if result.id not in results}


def result_of(row: dict[str, Any]) -> SearchResult | None:
    """A row of ytmusicapi's search as a candidate; None for what is no recording that can be played."""
    kind, name, title = row.get("resultType"), row.get("videoId"), row.get("title")
    if kind not in ("song", "video") or not isinstance(title, str) or not title or not _is_id(name):
        return None
    if row.get("isAvailable") is False or row.get("videoType") == NO_SONG:
        return None
    album, seconds = row.get("album"), row.get("duration_seconds")
    is_release = kind == "song" or row.get("videoType") == RELEASE
    return SearchResult(
        id=str(name),
        title=title,
        artists=tuple(str(artist["name"]) for artist in row.get("artists") or () if artist.get("name")),
        album=str((album or {}).get("name") or ""),
        duration_ms=seconds * 1000 if isinstance(seconds, int) else None,
        url=youtube_address(str(name)),
        kind="song" if is_release else "video",
        explicit=row.get("isExplicit") if kind == "song" else None,  # videos carry no such badge
        views=views_of(row.get("views")),
    )


def _of_yt_dlp(row: dict[str, Any]) -> SearchResult | None:
    """A row of yt-dlp's search: it has only a channel in place of artists."""
    name, title, seconds, views = (row.get(key) for key in ("id", "title", "duration", "view_count"))
    if (
        not _is_id(name)
        or not isinstance(title, str)
        or not title
        or row.get("live_status") in ("is_live", "is_upcoming")
    ):
        return None
    channel = str(row.get("channel") or "")
    return SearchResult(
        id=str(name),
        title=title,
        # "Artist - Topic" is the channel that YouTube makes from an artist's releases.
        artists=(channel.removesuffix(" - Topic"),) if channel else (),
        duration_ms=round(seconds * 1000) if isinstance(seconds, (int, float)) and seconds > 0 else None,
        url=youtube_address(str(name)),
        kind="song" if channel.endswith(" - Topic") else "video",
        views=views if isinstance(views, int) else None,
    )


def _is_id(name: Any) -> bool:
    return isinstance(name, str) and YOUTUBE_ID.match(name) is not None


def views_of(text: Any) -> int | None:
    """The number in "1.4M", "386K" or "1,234"; None where there is none."""
    match = re.fullmatch(r"([\d.,]+)\s?([KMB]?)", str(text or "").strip())
    if match is None:
        return None
    try:
        return round(float(match[1].replace(",", "")) * _FACTORS[match[2]])
    except ValueError:
        return None
