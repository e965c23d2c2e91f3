"""The audio sources by name. A new one is one module with a class like `AudioSource`, and one line here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Protocol

from django.utils.module_loading import import_string

if TYPE_CHECKING:  # the settings read the names here, before anything that reads the settings may be imported
    from downloads.fetch.protocol import ConnectionOptions
    from downloads.fetch.url_allowlist import SiteAccess
    from downloads.matching.score import SearchResult, TrackQuery

# The value of the setting AUDIO_SOURCE and of `Candidate.source` -> the class.
AUDIO_SOURCES = {
    "youtube": "downloads.search.youtube.YouTubeSource",
    "archive": "downloads.search.archive.ArchiveSource",
}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``per_hour`` songs, of which ``burst`` may come in a row; ``min_interval`` in seconds between two of them."""

    per_hour: int
    burst: int
    min_interval: tuple[float, float]

    @property
    def gap(self) -> timedelta:
        return timedelta(hours=1) / self.per_hour


class AudioSource(Protocol):
    """A place that can be searched for recordings and that they are fetched from.

    ``needs_ytdlp``: it can follow a site's changes only where yt-dlp is new. ``rate_limit``: None where it may be asked
    without a pause.
    """

    needs_ytdlp: bool

    @property
    def rate_limit(self) -> RateLimit | None: ...

    def search(self, query: TrackQuery, words: str = "") -> list[SearchResult]:
        """The recordings offered for ``query``, or for a person's own ``words``. DownloadError."""

    def access(self) -> SiteAccess:
        """What a fetch of one of its recordings may use of the network."""

    def connection(self) -> ConnectionOptions:
        """How it is reached: proxy, certificates, cookies, as the settings say."""

    def url_of(self, source_id: str, url: str) -> str:
        """The address that a recording is fetched from; AddressRefused for one that nothing may be fetched from."""


def source(name: str = "") -> AudioSource:
    """The audio source of this name; "" is the one that the settings name. KeyError for a name that is none."""
    from catalog.models.settings import value  # here: the settings read the names above before there are models

    return _source(name or value("AUDIO_SOURCE"))


@cache
def _source(name: str) -> AudioSource:
    return import_string(AUDIO_SOURCES[name])()
