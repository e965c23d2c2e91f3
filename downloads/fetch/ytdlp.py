"""yt-dlp: its parameters, one download, one search, and what its errors mean. The only importer of yt_dlp.

Everything that a server could make yt-dlp do beside fetching one file is shut: other extractors, plugins, config files,
external downloaders, post-processors.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from downloads.failures.classify import parse_retry_after
from downloads.failures.kinds import DownloadError
from downloads.fetch.protocol import COOKIES, HOME, FetchRequest
from downloads.fetch.url_allowlist import SiteAccess

NAME = "audio.%(ext)s"  # constant: a template with a server's words in it can leave the folder
REDIRECTS = 5  # that the server may send us through, on its own host
SILENT_SECONDS = 20  # without a byte, then the connection is given up
NOT_RECORDINGS = frozenset({"is_live", "is_upcoming", "post_live"})


class WarningLog:
    """yt-dlp's logger: keeps what it warned of, which often names the cause that the error does not.

    Beside it the HTTP errors that were met on the way: ``statuses``, and the longest Retry-After in seconds.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.statuses: list[int] = []
        self.retry_after: float | None = None

    def http_error(self, error: Any) -> None:
        """Keep the status and the Retry-After of an answer that yt-dlp may go on without."""
        self.statuses.append(int(error.status))
        seconds = retry_after(error)
        if seconds is not None:
            self.retry_after = max(seconds, self.retry_after or 0.0)

    def debug(self, message: str) -> None:
        """Progress and chatter are not kept."""

    def warning(self, message: str) -> None:
        """Keep the last few."""
        self.warnings = [*self.warnings[-19:], message]

    def error(self, message: str) -> None:
        """The same text comes as an exception."""


def parameters(request: FetchRequest, ffmpeg: str, deno: str) -> dict[str, Any]:
    """yt-dlp's parameters for one fetch or search; everything not named here is at its default."""
    connection = request.connection
    common: dict[str, Any] = {
        "outtmpl": {"default": NAME},
        # The stage, where the child is: by its path a drive that has gone would be made anew, under its mount point.
        "paths": {"home": os.curdir},
        "format": "bestaudio/best",
        "ffmpeg_location": ffmpeg,
        "fixup": "never",  # `downloads.audio.convert.transcode` rewrites what needs it
        "postprocessors": [],
        "noplaylist": True,
        "continuedl": False,
        "overwrites": True,
        "updatetime": False,
        "cachedir": connection.cache_dir or False,
        "enable_file_urls": False,
        "proxy": connection.proxy,  # "": straight, whatever a system has set
        "socket_timeout": SILENT_SECONDS,
        "retries": 0,  # the catalog tries again, with its own patience
        "extractor_retries": 0,
        "fragment_retries": 0,
        "file_access_retries": 0,
        "ratelimit": connection.rate_bytes or None,
        "quiet": True,
        "noprogress": True,
        "color": "never",
        "allowed_extractors": [key.lower() for key in request.access.extractors],
        "js_runtimes": {},
        "remote_components": [],  # no code from elsewhere: the solver comes with yt-dlp-ejs
    }
    common |= _connection_parameters(request)
    if request.access.direct_host:
        return common | {"force_generic_extractor": True}
    site = {"js_runtimes": {"deno": {"path": deno}} if deno and request.access.javascript else {}}
    if request.query:
        return common | site | {"extract_flat": True}
    # YouTube slows down a connection that takes a whole file at once, and drops some: small pieces, a few tries.
    patience = {"retries": 3, "extractor_retries": 1, "http_chunk_size": 10 * 2**20}
    return common | site | patience | {"format": request.access.formats[request.audio_format]}


def _connection_parameters(request: FetchRequest) -> dict[str, Any]:
    """yt-dlp's parameters of what `ConnectionOptions` asks for, and no others."""
    connection = request.connection
    parameters: dict[str, Any] = {}
    if connection.cookies or connection.guest_cookies:
        parameters["cookiefile"] = os.path.join(request.stage_dir, HOME, COOKIES)  # a copy: yt-dlp writes to it
    if connection.ca_file:
        parameters["compat_opts"] = ["no-certifi"]  # certifi would be trusted alone, whatever SSL_CERT_FILE says
    if connection.source_address:
        parameters["source_address"] = connection.source_address
    if connection.extractor_args:
        parameters["extractor_args"] = {"youtube": dict(connection.extractor_args)}
    return parameters


def find_deno() -> str:
    """The path of the deno wheel's JavaScript runtime, else the system's; "" where there is neither."""
    try:
        from deno import find_deno_bin  # type: ignore[import-untyped]  # here: the wheel is missing on some systems

        return str(find_deno_bin())
    except (ImportError, OSError):
        return shutil.which("deno") or ""  # where its wheel does not exist (musl, 32-bit ARM) the system may have one


def socks_sockets() -> tuple[type, ...]:
    """yt-dlp's sockets through a SOCKS proxy."""
    from yt_dlp.socks import sockssocket  # loaded by now

    return (sockssocket,)


def make_downloader(request: FetchRequest, log: WarningLog, ffmpeg: str, deno: str) -> Any:
    """A yt_dlp.YoutubeDL with the extractors of the request and no other: what is not loaded cannot be led to."""
    import yt_dlp  # here and below: it takes half a second, and tests of the parameters do without
    from yt_dlp.extractor import get_info_extractor
    from yt_dlp.globals import plugin_dirs

    plugin_dirs.value = []
    downloader = yt_dlp.YoutubeDL(parameters(request, ffmpeg, deno) | {"logger": log}, auto_init=False)
    for key in request.access.extractors:
        downloader.add_info_extractor(get_info_extractor(key)())
    _log_http_errors(downloader, log)
    if request.connection.cache_dir and request.access.javascript:
        _keep_players(downloader, os.path.join(request.connection.cache_dir, "players"))
    if request.connection.po_token_provider:
        _register_po_token_provider(request.connection.po_token_provider)
    return downloader


def _register_po_token_provider(base_url: str) -> None:
    """Let YouTube's extractor ask the server at ``base_url`` for PO tokens (the API of bgutil-ytdlp-pot-provider)."""
    from yt_dlp.extractor.youtube.pot.provider import (  # loaded by now, and only here needed
        ExternalRequestFeature,
        PoTokenProvider,
        PoTokenProviderError,
        PoTokenResponse,
        register_provider,
    )
    from yt_dlp.extractor.youtube.pot.utils import get_webpo_content_binding
    from yt_dlp.networking import Request
    from yt_dlp.networking.exceptions import RequestError

    @register_provider
    class ServerPTP(PoTokenProvider):  # type: ignore[misc,valid-type]
        PROVIDER_NAME = "tonekeep"
        PROVIDER_VERSION = "1"
        BUG_REPORT_LOCATION = "the address in PO_TOKEN_PROVIDER"
        _SUPPORTED_CLIENTS = None
        _SUPPORTED_CONTEXTS = None
        _SUPPORTED_EXTERNAL_REQUEST_FEATURES = tuple(ExternalRequestFeature)

        def is_available(self) -> bool:
            return True

        def _real_request_pot(self, request: Any) -> Any:
            body = json.dumps({"content_binding": get_webpo_content_binding(request)[0]}).encode()
            headers = {"Content-Type": "application/json"}
            try:
                # Straight: the proxy is for the site.
                question = Request(f"{base_url}/get_pot", data=body, headers=headers, proxies={"all": None})
                token = json.load(self._request_webpage(question)).get("poToken")
            except (RequestError, ValueError, AttributeError) as error:
                raise PoTokenProviderError(f"The PO token provider does not answer: {error}") from error
            if not token:
                raise PoTokenProviderError("The PO token provider gave no token.")
            return PoTokenResponse(po_token=token)


PLAYER_SCRIPT = re.compile(r"https://www\.youtube\.com/s/player/[\w./-]{1,200}\.js\Z")
PLAYERS_KEPT = 3  # a script of 2.6 MB each; its name changes with its content, about once a week


def _keep_players(downloader: Any, folder: str) -> None:
    """Have the site's player script fetched once, as a browser would, and taken apart once if yt-dlp can keep that."""
    from yt_dlp.extractor.youtube.jsc._builtin import ejs  # loaded by now
    from yt_dlp.networking import Response  # loaded by now
    from yt_dlp.version import __version__  # loaded by now

    ejs.EJSBaseJCP._ENABLE_PREPROCESSED_PLAYER_CACHE = True
    ejs.EJSBaseJCP._CACHE_SECTION = f"solved-players-{__version__}"
    _prune(folder)
    _prune(os.path.join(os.path.dirname(folder), ejs.EJSBaseJCP._CACHE_SECTION))
    urlopen = downloader.urlopen

    def kept(request: Any) -> Any:
        url = getattr(request, "url", request)
        if not PLAYER_SCRIPT.match(url):
            return urlopen(request)
        path = os.path.join(folder, hashlib.sha256(url.encode()).hexdigest())
        try:
            with open(path, "rb") as file:
                return Response(io.BytesIO(file.read()), url, {"Content-Type": "text/javascript"})
        except OSError:
            response = urlopen(request)
        content = response.read()
        with suppress(OSError):  # a full disk costs the next fetch a request
            os.makedirs(folder, exist_ok=True)
            with open(f"{path}.{os.getpid()}", "wb") as unfinished:
                unfinished.write(content)
            os.replace(unfinished.name, path)
        return Response(io.BytesIO(content), url, {"Content-Type": "text/javascript"})

    downloader.urlopen = kept


def _prune(folder: str) -> None:
    """Remove all but the newest few files of a folder."""
    with suppress(OSError):  # it is not there yet, or another fetch does the same
        paths = sorted((entry.path for entry in os.scandir(folder)), key=os.path.getmtime)
        for path in paths[:-PLAYERS_KEPT]:
            os.unlink(path)


def save_guest(downloader: Any, request: FetchRequest) -> None:
    """Write the cookies that a guest was given into the stage, from where the parent keeps them."""
    if request.connection.guest_cookies:
        downloader.save_cookies()


def _log_http_errors(downloader: Any, log: WarningLog) -> None:
    """Have every HTTP error of this downloader noted: extractors go on without the page and drop its status."""
    from yt_dlp.networking.exceptions import HTTPError  # loaded by now

    urlopen = downloader.urlopen

    def noted(request: Any) -> Any:
        try:
            return urlopen(request)
        except HTTPError as error:
            log.http_error(error)
            raise

    downloader.urlopen = noted


def download(downloader: Any, request: FetchRequest) -> dict[str, Any]:
    """Fetch the recording; yt-dlp's info of it. DownloadError or AddressRefused for what is no recording."""
    url = request.access.checked(request.url)
    return fetch_direct(downloader, url, request.access) if request.access.direct_host else fetch_site(downloader, url)


def fetch_direct(downloader: Any, url: str, access: SiteAccess) -> dict[str, Any]:
    """Fetch the direct file at ``url``; anything but one file on the allowed host is refused."""
    for _ in range(REDIRECTS):
        info = downloader.extract_info(access.checked(url), download=False, process=False)
        if info.get("_type", "video") != "url":
            break
        url = str(info["url"])  # it was redirected, so far within the server
    formats = info.get("formats") or [info]
    if info.get("_type", "video") != "video" or info.get("direct") is not True or len(formats) != 1:
        raise DownloadError("not_a_file", "The address leads to a page or a playlist, not to an audio file.")
    access.checked(str(formats[0]["url"]))
    for part in (info, *formats):
        # The ending is the address's, and says nothing: yt-dlp would refuse ".php". The content decides later.
        part["ext"] = "unknown_video"
    return downloader.process_ie_result(info, download=True)


def fetch_site(downloader: Any, url: str) -> dict[str, Any]:
    """Fetch the sound of one recording from a site that yt-dlp knows; what is no recording is refused."""
    info = downloader.extract_info(url, download=False, process=False)
    if info.get("_type", "video") != "video":
        raise DownloadError("not_a_file", "The address leads to a playlist, not to a recording.")
    if info.get("live_status") in NOT_RECORDINGS:
        raise DownloadError("live", "It is a live broadcast, not a recording.")
    return downloader.process_ie_result(info, download=True)


def search(downloader: Any, request: FetchRequest) -> list[dict[str, Any]]:
    """What YouTube's own search lists for the query: id, title, duration in seconds, channel, view_count."""
    listing = downloader.extract_info(f"ytsearch{request.limit}:{request.query}", download=False)
    names = ("id", "title", "duration", "channel", "view_count", "live_status")
    return [{name: entry.get(name) for name in names} for entry in listing.get("entries") or () if entry]


def announced_bytes(info: Mapping[str, Any], total: int) -> int | None:
    """How many bytes were to come: what the server's header said (``total``, 0: nothing), or the site's own listing.

    Never yt-dlp's ``filesize_approx``, which is the bit rate times the length.
    """
    listed = [part.get("filesize") for part in (info, *(info.get("requested_downloads") or ()))]
    return max([total, *(size for size in listed if isinstance(size, int))]) or None


def http_error(error: BaseException) -> Any:
    """The HTTP error among the causes of ``error``, with ``status`` and ``response``; None where there is none."""
    return next((cause for cause in causes(error) if hasattr(cause, "status") and hasattr(cause, "response")), None)


def causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and everything that led to it, in yt-dlp's three ways of keeping that."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop(0)
        if not isinstance(part, BaseException) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += [part.__cause__, part.__context__, getattr(part, "cause", None)]
        waiting += list(getattr(part, "exc_info", None) or ())


def retry_after(http: Any) -> float | None:
    """The seconds in an HTTP error's Retry-After, None where it names none (a date counts as none)."""
    headers = getattr(getattr(http, "response", None), "headers", None) or {}
    return parse_retry_after(headers.get("Retry-After"))
