"""The YouTube source: which hosts it needs, how it is reached, how often it may be asked.

`downloads.search.youtube_music` searches it. That is loaded for the first search: pages and ticks ask this module too,
and would hold 8 MB more.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.conf import settings

from catalog.models.settings import value
from downloads.audio.convert import AS_DELIVERED
from downloads.fetch import process
from downloads.fetch.protocol import ConnectionOptions, ytdlp_proxy
from downloads.fetch.url_allowlist import SiteAccess, youtube_address, youtube_id
from downloads.matching.features import SearchResult, TrackQuery
from downloads.search.sources import RateLimit

if TYPE_CHECKING:
    import requests

    from downloads.search.youtube_music import Fallback, YouTubeMusic

# Hosts that yt-dlp's YouTube extractor needs, themselves and below; all else is refused.
DOMAINS = (
    "youtube.com",  # pages, player, search
    "googlevideo.com",  # the sound itself
    "youtube-nocookie.com",  # the embedded player, which some recordings need
    "youtubei.googleapis.com",  # the player's API
)
# What is fetched: 140 is AAC in m4a as every player plays it, 251 is opus; 141 and 774 are Premium's 256 kbit/s. A
# dubbed recording has its tracks under other numbers ("140-0"), so the kinds follow, but none of 48 kbit/s (139) before
# 251; never a picture with it.
_M4A = "141/140/bestaudio[ext=m4a][abr>?64]/251/bestaudio"
FORMATS = {
    AS_DELIVERED: _M4A,
    "m4a": _M4A,
    "mp3": _M4A,
    "opus": "774/251/bestaudio[acodec=opus][abr>?64]/140/bestaudio",
}
ACCESS = SiteAccess(
    extractors=("Youtube",),
    domains=DOMAINS,
    url_pattern=r"https://www\.youtube\.com/watch\?v=[0-9A-Za-z_-]{11}",
    formats=FORMATS,
    javascript=True,
)
SEARCH_ACCESS = replace(ACCESS, extractors=("YoutubeSearch",))


class YouTubeSource:
    """Searches YouTube Music, and YouTube where that fails. ``timeout`` in seconds for each question.

    ``session`` and ``fallback`` (a query to yt-dlp's rows) stand in for the real ones in tests.
    """

    needs_ytdlp = True
    # yt-dlp's wiki counts about 300 recordings an hour before a guest is stopped, and asks for 5 to 10 s between them
    # (github.com/yt-dlp/yt-dlp/wiki/Extractors). Half of it: each song costs some searches too.
    BURST, MIN_INTERVAL = 12, (3.0, 8.0)

    @property
    def rate_limit(self) -> RateLimit:
        return RateLimit(value("YOUTUBE_PER_HOUR"), self.BURST, self.MIN_INTERVAL)

    def connection(self) -> ConnectionOptions:
        """As the settings say. Players and a guest's cookies are kept, as a browser would."""
        return ConnectionOptions(
            proxy=ytdlp_proxy(settings.YOUTUBE_PROXY),
            ca_file=settings.CA_FILE,
            cookies=settings.YOUTUBE_COOKIES,
            guest_cookies=str(settings.DATA_DIR / "cache" / "guest-cookies.txt"),
            cache_dir=str(settings.DATA_DIR / "cache" / "yt-dlp"),
            source_address=settings.YOUTUBE_SOURCE_ADDRESS,
            po_token_provider=settings.PO_TOKEN_PROVIDER,
            extractor_args=settings.YOUTUBE_EXTRACTOR_ARGS,
            rate_bytes=value("DOWNLOAD_KB_PER_SECOND") * 1000,
        )

    def __init__(
        self,
        timeout: float = 20.0,
        *,
        session: requests.Session | None = None,
        fallback: Fallback | None = None,
    ) -> None:
        self._timeout, self._session, self._fallback = timeout, session, fallback
        self._music: YouTubeMusic | None = None

    def access(self) -> SiteAccess:
        """YouTube's own hosts."""
        return ACCESS

    def url_of(self, source_id: str, url: str) -> str:
        """The address made of the id; AddressRefused for what is none."""
        return youtube_address(youtube_id(source_id))

    def search(self, query: TrackQuery, words: str = "") -> list[SearchResult]:
        """As `YouTubeMusic.search`. One connection and one guest for all of them."""
        if self._music is None:
            from downloads.search.youtube_music import YouTubeMusic  # here: it loads ytmusicapi

            self._music = YouTubeMusic(self._timeout, self._session, self._fallback or search_with_yt_dlp)
        return self._music.search(query, words)


def search_with_yt_dlp(query: str) -> list[dict[str, Any]]:
    """What YouTube's own search lists, by yt-dlp in its child process. Raises DownloadError."""
    with tempfile.TemporaryDirectory(prefix="tonekeep-search-") as stage:
        return process.search(query, stage, access=SEARCH_ACCESS, connection=YouTubeSource().connection())
